import { Duration } from 'aws-cdk-lib'
import { Dashboard, GraphWidget, type IMetric, SingleValueWidget } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { NodeFunction } from './node-function.ts'
import { QueueFunction } from './queue-function.ts'

const period = Duration.minutes(5)

/** One page: what was given up, what waits and for how long, what the functions do. */
export function createDashboard(scope: Construct, id: string, functions: Record<string, NodeFunction>): Dashboard {
  const fed = Object.entries(functions).filter(
    (entry): entry is [string, QueueFunction] => entry[1] instanceof QueueFunction,
  )
  const ofQueues = (metric: (item: QueueFunction, label: string) => IMetric) =>
    fed.map(([name, item]) => metric(item, name))
  const ofFunctions = (metric: (item: NodeFunction, label: string) => IMetric) =>
    Object.entries(functions).map(([name, item]) => metric(item, name))
  const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 12, height: 6 })
  return new Dashboard(scope, id, {
    defaultInterval: Duration.days(1),
    widgets: [
      [
        new SingleValueWidget({
          title: 'Messages given up',
          width: 24,
          height: 4,
          metrics: ofQueues(({ deadLetterQueue }, label) =>
            deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, label, statistic: 'Maximum' }),
          ),
        }),
      ],
      [
        graph(
          'Messages waiting',
          ofQueues(({ queue }, label) =>
            queue.metricApproximateNumberOfMessagesVisible({ period, label, statistic: 'Maximum' }),
          ),
        ),
        graph(
          'Age of the oldest message, seconds',
          ofQueues(({ queue }, label) =>
            queue.metricApproximateAgeOfOldestMessage({ period, label, statistic: 'Maximum' }),
          ),
        ),
      ],
      [
        graph(
          'Invocations',
          ofFunctions((item, label) => item.function.metricInvocations({ period, label })),
        ),
        graph(
          'Errors',
          ofFunctions((item, label) => item.function.metricErrors({ period, label })),
        ),
      ],
      [
        graph(
          'Longest run, ms',
          ofFunctions((item, label) => item.function.metricDuration({ period, label, statistic: 'Maximum' })),
        ),
        graph(
          'Throttles',
          ofFunctions((item, label) => item.function.metricThrottles({ period, label })),
        ),
      ],
    ],
  })
}
