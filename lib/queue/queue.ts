/** A message on its way in. */
export interface OutgoingMessage {
  /** At most 256 KiB of UTF-8. */
  body: string
  /** FIFO queues: messages of one group are handed out one batch at a time, in order. */
  groupId?: string
  /** FIFO queues: a second message with this id within five minutes is accepted and dropped. */
  deduplicationId?: string
  /** Standard queues only. */
  delaySeconds?: number
}

/** A message handed out; it comes again when its visibility time-out ends, unless it was deleted. */
export interface ReceivedMessage {
  messageId: string
  receiptHandle: string
  body: string
  /** 1 the first time. */
  receiveCount: number
  groupId?: string
  deduplicationId?: string
  sentAt: Date
}

/** One queue, with the meaning of SQS. Every method may throw TransientError. */
export interface Queue {
  readonly name: string
  readonly fifo: boolean
  /** Sends any number of messages, in order; resolves when all are durable. */
  send(messages: OutgoingMessage[]): Promise<void>
  /** Up to `max` (1 to 10) messages, waiting up to `waitSeconds` for the first. */
  receive(options?: { max?: number; waitSeconds?: number; visibilitySeconds?: number }): Promise<ReceivedMessage[]>
  delete(receiptHandle: string): Promise<void>
  /** The message comes again after that many seconds from now; 0 = at once. */
  changeVisibility(receiptHandle: string, seconds: number): Promise<void>
}
