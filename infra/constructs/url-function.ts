import { Fn } from 'aws-cdk-lib'
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { NodeFunction, type NodeFunctionProps } from './node-function.ts'

export interface UrlFunctionProps extends NodeFunctionProps {
  /** For emulators: function URLs are reached as this address followed by their id. */
  functionUrlBase?: string
}

/**
 * A function with a URL of its own, which stays the same as long as the function does. Who calls it cannot sign requests as AWS would
 * have it (lakeFS, MinIO), so the function itself asks for a token.
 */
export class UrlFunction extends NodeFunction {
  /** Ends with a slash. */
  readonly url: string

  constructor(scope: Construct, id: string, { functionUrlBase, ...props }: UrlFunctionProps) {
    super(scope, id, props)
    const { url } = this.function.addFunctionUrl({ authType: FunctionUrlAuthType.NONE })
    // https://<id>.lambda-url.<region>.on.aws/
    const urlId = Fn.select(0, Fn.split('.', Fn.select(2, Fn.split('/', url))))
    this.url = functionUrlBase ? Fn.join('', [functionUrlBase.replace(/\/?$/, '/'), urlId, '/']) : url
  }
}
