/** All workflows: what the bundle contains. */

export { dispatchWorkflow } from './dispatch.ts';
export { evaluationWorkflow } from './evaluation.ts';
export { projectWorkflow, triggerWorkflow } from './project.ts';
export { gpuTestWorkflow, stepWorkflow } from './step.ts';
