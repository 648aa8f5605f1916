import { Aws, Stack } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { type Bucket, type CfnBucket, EventType, type IBucket } from 'aws-cdk-lib/aws-s3'
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { NagSuppressions } from 'cdk-nag'

/** What studies are made of; nothing else is announced. */
const suffixes = ['.csv', '.json']

/**
 * Lets a bucket of this stack announce its new objects on the queue. Written into the bucket itself: CDK's own way would add a function that
 * sets the notifications from outside. The queue's policy names the account and not the bucket, since each would wait for the other.
 */
export function announceOwnObjects(bucket: Bucket, queue: Queue): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid: 'LandingBucket',
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  )
  const cfnBucket = bucket.node.defaultChild as CfnBucket
  cfnBucket.notificationConfiguration = {
    queueConfigurations: suffixes.map(value => ({
      event: EventType.OBJECT_CREATED,
      queue: queue.queueArn,
      filter: { s3Key: { rules: [{ name: 'suffix', value }] } },
    })),
  }
  // S3 tries the queue when it is told of it.
  bucket.node.addDependency(queue.node.findChild('Policy'))
}

/** The same for a bucket that was there before: its other notifications stay, which takes CDK's function that sets them from outside. */
export function announceExistingObjects(bucket: IBucket, queue: Queue): void {
  for (const suffix of suffixes) {
    bucket.addEventNotification(EventType.OBJECT_CREATED, new SqsDestination(queue), { suffix })
  }
  const handlers = Stack.of(queue).node.children.filter(({ node }) => node.id.startsWith('BucketNotificationsHandler'))
  for (const handler of handlers) {
    NagSuppressions.addResourceSuppressions(
      handler,
      [
        {
          id: 'AwsSolutions-IAM4',
          reason: 'The role is CDK’s own, of the function that sets notifications; the policy lets it write a log.',
          appliesTo: ['Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'],
        },
      ],
      true,
    )
  }
}
