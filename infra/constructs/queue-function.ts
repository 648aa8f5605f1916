import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { queueVariables } from '../../lib/config.ts'
import { NodeFunction, type NodeFunctionProps } from './node-function.ts'

export interface QueueFunctionProps extends NodeFunctionProps {
  /** The queue that feeds the function, by the name that the functions have for it. */
  source: keyof typeof queueVariables
  /** Messages of one group are handed out in order. */
  fifo?: boolean
  /** Messages of one invocation. */
  batchSize?: number
  /** Invocations at once, at least 2. */
  maxConcurrency?: number
  maxReceiveCount: number
  alarmTopic: ITopic
  /** A message that is older has got stuck. */
  alarmAge?: Duration
}

/**
 * A function that is fed by a queue of its own, with the defaults of all such functions: a dead-letter queue, alarms on its depth and on the age of
 * the oldest message, partial batches, a limit on invocations at once that the queue knows of, and a visibility time-out of six times the
 * function's. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
export class QueueFunction extends NodeFunction {
  readonly source: keyof typeof queueVariables
  readonly queue: Queue
  readonly deadLetterQueue: Queue

  constructor(
    scope: Construct,
    id: string,
    {
      source,
      fifo = false,
      batchSize = 1,
      maxConcurrency = 5,
      maxReceiveCount,
      alarmTopic,
      alarmAge = Duration.minutes(30),
      ...props
    }: QueueFunctionProps,
  ) {
    super(scope, id, props)
    this.source = source
    const common = {
      // Where it is not asked for, CloudFormation wants the word left out.
      fifo: fifo || undefined,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.DESTROY,
    }
    this.deadLetterQueue = new Queue(this, 'DeadLetters', { ...common, retentionPeriod: Duration.days(14) })
    this.queue = new Queue(this, 'Queue', {
      ...common,
      // Shorter than that of the dead-letter queue, where a message keeps its age.
      retentionPeriod: Duration.days(7),
      visibilityTimeout: Duration.seconds(6 * this.timeout.toSeconds()),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount },
    })
    this.function.addEventSource(
      new SqsEventSource(this.queue, { batchSize, maxConcurrency, reportBatchItemFailures: true }),
    )
    this.addVariables({ [queueVariables[source]]: this.queue.queueUrl })
    this.addAlarms({ alarmTopic, alarmAge })
  }

  /** Lets the function send to the queue of another, and tells it where that is. */
  sendsTo({ source, queue }: QueueFunction): void {
    queue.grantSendMessages(this.function)
    this.addVariables({ [queueVariables[source]]: queue.queueUrl })
  }

  private addAlarms({ alarmTopic, alarmAge }: { alarmTopic: ITopic; alarmAge: Duration }): void {
    const period = Duration.minutes(5)
    const alarms = [
      new Alarm(this, 'DeadLettersAlarm', {
        alarmDescription: `Messages of the queue ${this.source} were given up: look with "studylake dlq", mend the cause, redrive them.`,
        metric: this.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
        threshold: 1,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      }),
      new Alarm(this, 'AgeAlarm', {
        alarmDescription: `The queue ${this.source} is not worked off: its oldest message is older than ${alarmAge.toMinutes()} minutes.`,
        metric: this.queue.metricApproximateAgeOfOldestMessage({ period, statistic: 'Maximum' }),
        threshold: alarmAge.toSeconds(),
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      }),
    ]
    for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(alarmTopic))
  }
}
