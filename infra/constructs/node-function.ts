import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  type CfnFunction,
  Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { NagSuppressions } from 'cdk-nag'
import { Construct } from 'constructs'
import type { VariableName } from '../../lib/config.ts'
import type { Bundle } from '../bundle.ts'

/** Variables of a function; lib/config.ts reads them. */
export type Variables = Partial<Record<VariableName, string>>

/** What all functions of a deployment have in common. */
export interface FunctionDefaults {
  logRetention: RetentionDays
  /** AWS X-Ray. */
  tracing: boolean
  /** No function may take longer. */
  maxTimeout: Duration
  /** The network that the functions run in, if any. */
  network?: { subnetIds: string[]; securityGroupIds: string[] }
}

export interface NodeFunctionProps {
  defaults: FunctionDefaults
  bundle: Bundle
  timeout: Duration
  /** MiB. A vCPU comes with 1,769. */
  memory: number
  description: string
  variables: Variables
}

/** Needed to join a network; EC2 knows no resources for them. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html */
const networkActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
]

/** A bundled function of this project, with a role that may write its own log and nothing else. */
export class NodeFunction extends Construct {
  readonly function: LambdaFunction
  readonly timeout: Duration

  constructor(scope: Construct, id: string, { defaults, bundle, memory, variables, ...props }: NodeFunctionProps) {
    super(scope, id)
    const { maxTimeout, network, tracing } = defaults
    this.timeout = props.timeout.toSeconds() > maxTimeout.toSeconds() ? maxTimeout : props.timeout
    const logGroup = new LogGroup(this, 'Log', {
      retention: defaults.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    // Not the managed policies: those let a function write into every log of the account.
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `${Stack.of(this).stackName}: ${bundle.name}`,
    })
    logGroup.grantWrite(role)
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle.folder),
      handler: 'index.handler',
      timeout: this.timeout,
      memorySize: memory,
      role,
      logGroup,
      tracing: tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: { NODE_OPTIONS: '--enable-source-maps', ...variables },
    })
    if (tracing) this.suppress('AWS X-Ray knows no resources to restrict writing to', ['Resource::*'])
    if (network) {
      // The network is known by ids alone; CDK's own `vpc` would have to look up the rest.
      const cfnFunction = this.function.node.defaultChild as CfnFunction
      cfnFunction.vpcConfig = network
      role.addToPolicy(new PolicyStatement({ actions: networkActions, resources: ['*'] }))
      this.suppress('EC2 knows no resources to restrict network interfaces to', ['Resource::*'])
    }
  }

  /** Adds variables. */
  addVariables(variables: Variables): void {
    for (const [name, value] of Object.entries(variables)) this.function.addEnvironment(name, value)
  }

  /** Says why resources of the function's policy may hold a wildcard. */
  suppress(reason: string, appliesTo: (string | { regex: string })[]): void {
    NagSuppressions.addResourceSuppressions(this.function.role!, [{ id: 'AwsSolutions-IAM5', reason, appliesTo }], true)
  }
}
