import { beforeAll, describe, expect, it } from 'vitest'
import { queueFed, type Resource, type Synthesised, synthesise } from './synthesise.ts'

let made: Synthesised
beforeAll(async () => {
  made = await synthesise({ maxReceiveCount: 7 })
})

const queueOf = (id: string): Resource =>
  made.resources('AWS::SQS::Queue').find(([logicalId]) => logicalId.startsWith(`${id}Queue`))![1]
const deadLettersOf = (id: string): [string, Resource] =>
  made.resources('AWS::SQS::Queue').find(([logicalId]) => logicalId.startsWith(`${id}DeadLetters`))!
const functionOf = (id: string): Resource =>
  made.resources('AWS::Lambda::Function').find(([logicalId]) => logicalId.startsWith(`${id}Function`))![1]

it('every queue but a dead-letter queue has one, of its own kind', () => {
  const queues = made.resources('AWS::SQS::Queue')
  const isDead = ([id]: [string, Resource]) => id.includes('DeadLetters')
  expect([queues.filter(isDead).length, queues.length]).toEqual([6, 12])
  for (const [id, { Properties }] of queues.filter(queue => !isDead(queue))) {
    const { deadLetterTargetArn, maxReceiveCount } = Properties.RedrivePolicy
    expect(maxReceiveCount, id).toBe(7)
    const [, target] = queues.find(([other]) => other === deadLetterTargetArn['Fn::GetAtt'][0])!
    expect(target.Properties.FifoQueue, id).toBe(Properties.FifoQueue)
    expect(target.Properties.MessageRetentionPeriod, id).toBeGreaterThan(Properties.MessageRetentionPeriod)
  }
})

it('FIFO are those whose order matters', () => {
  const fifo = queueFed.filter(id => queueOf(id).Properties.FifoQueue === true)
  expect(fifo).toEqual(['Register', 'AssignKeys', 'Commit'])
})

describe.each(queueFed)('%s', id => {
  it('hands a message out again after six times what the function may take', () => {
    const { Timeout } = functionOf(id).Properties
    expect(Timeout).toBeGreaterThan(0)
    expect(queueOf(id).Properties.VisibilityTimeout).toBe(6 * Timeout)
  })

  it('is fed by its queue, in partial batches, and only so many at once', () => {
    const [logicalId] = made.resources('AWS::SQS::Queue').find(([other]) => other.startsWith(`${id}Queue`))!
    const mappings = made
      .resources('AWS::Lambda::EventSourceMapping')
      .filter(([, { Properties }]) => Properties.EventSourceArn['Fn::GetAtt'][0] === logicalId)
    expect(mappings).toHaveLength(1)
    const { FunctionResponseTypes, ScalingConfig } = mappings[0]![1].Properties
    expect(FunctionResponseTypes).toEqual(['ReportBatchItemFailures'])
    expect(ScalingConfig.MaximumConcurrency).toBeGreaterThanOrEqual(2)
  })

  it('has alarms on given-up messages and on the age of the oldest, both to the topic', () => {
    const [topic] = made.resources('AWS::SNS::Topic')[0]!
    const alarms = made
      .resources('AWS::CloudWatch::Alarm')
      .filter(([, { Properties }]) => Properties.AlarmActions?.[0]?.Ref === topic)
    const watched = alarms.map(([, { Properties }]) => [
      Properties.MetricName,
      Properties.Dimensions[0].Value['Fn::GetAtt'][0],
    ])
    const [dead] = deadLettersOf(id)
    const [queue] = made.resources('AWS::SQS::Queue').find(([other]) => other.startsWith(`${id}Queue`))!
    expect(watched).toContainEqual(['ApproximateNumberOfMessagesVisible', dead])
    expect(watched).toContainEqual(['ApproximateAgeOfOldestMessage', queue])
  })
})

it('queues are encrypted and speak TLS only', () => {
  const open = new Set(made.resources('AWS::SQS::Queue').map(([id]) => id))
  for (const [id, { Properties }] of made.resources('AWS::SQS::Queue')) {
    expect(Properties.SqsManagedSseEnabled, id).toBe(true)
  }
  for (const [, { Properties }] of made.resources('AWS::SQS::QueuePolicy')) {
    const denies = Properties.PolicyDocument.Statement.some(
      (statement: { Effect: string; Condition?: { Bool?: Record<string, string> } }) =>
        statement.Effect === 'Deny' && statement.Condition?.Bool?.['aws:SecureTransport'] === 'false',
    )
    if (denies) for (const { Ref } of Properties.Queues) open.delete(Ref)
  }
  expect([...open]).toEqual([])
})

it('no function takes longer than it may', async () => {
  const short = await synthesise({ maxTimeoutSeconds: '20' })
  const timeouts = short.resources('AWS::Lambda::Function').map(([, { Properties }]) => Properties.Timeout)
  expect(new Set(timeouts)).toEqual(new Set([20]))
  const work = short.resources('AWS::SQS::Queue').filter(([id]) => !id.includes('DeadLetters'))
  expect(new Set(work.map(([, { Properties }]) => Properties.VisibilityTimeout))).toEqual(new Set([120]))
})

it('the schedule wakes receive', () => {
  const [[, rule]] = made.resources('AWS::Events::Rule') as [[string, Resource]]
  expect(rule.Properties.ScheduleExpression).toBe('rate(5 minutes)')
  expect(rule.Properties.Targets[0].Arn['Fn::GetAtt'][0]).toMatch(/^ReceiveFunction/)
})
