/** All rules. Their order decides only between lines of the same rank, place and confidence. */

import type { Rule } from '../rule.ts';
import { BENIGN_TOOL_RULES } from './benign-tools.ts';
import { BENIGN_RULES } from './benign.ts';
import { BUILD_COMPILE_CUDA_RULES } from './build-compile-cuda.ts';
import { BUILD_COMPILE_RULES } from './build-compile.ts';
import { BUILD_CONFIGURE_CUDA_RULES } from './build-configure-cuda.ts';
import { BUILD_CONFIGURE_RULES } from './build-configure.ts';
import { BUILD_LINK_RULES } from './build-link.ts';
import { BUILD_OUTPUT_RULES, BUILD_UNSUPPORTED_RULES } from './build-output.ts';
import { BUILD_PATCH_RULES } from './build-patch.ts';
import { BUILD_SANDBOX_RULES } from './build-sandbox.ts';
import { BUILD_TEST_RULES } from './build-test.ts';
import { BUILD_TOOL_RULES } from './build-tools.ts';
import { CASCADE_RULES } from './cascade.ts';
import { COLLECTIVE_RUN_RULES } from './collective-nccl-run.ts';
import { COLLECTIVE_NCCL_RULES } from './collective-nccl.ts';
import { COLLECTIVE_RULES } from './collective-others.ts';
import { COLLECTIVE_UCX_RULES } from './collective-ucx.ts';
import { EVAL_ERROR_RULES } from './eval-error.ts';
import { EVAL_REFUSED_RULES } from './eval-refused.ts';
import { ARCH_SPECIFIC_RULES } from './arch-specific.ts';
import { GPU_CODE_TABLE_RULES } from './gpu-code-tables.ts';
import { GPU_CODE_RULES, GPU_OOM_RULES } from './gpu-code.ts';
import { DRIVER_MISMATCH_RULES } from './driver-mismatch.ts';
import { GRAPHICS_RULES } from './runtime-load-graphics.ts';
import { GPU_LIB_INIT_RULES } from './gpu-lib-init.ts';
import { GPU_HARDWARE_RULES } from './gpu-hardware.ts';
import { ROCM_RULES } from './rocm.ts';
import { RUNTIME_LOAD_RULES } from './runtime-load.ts';
import { RUNTIME_TOOL_RULES } from './runtime-load-tools.ts';
import { SYMBOL_RULES } from './runtime-load-symbols.ts';
import { BUILDER_RULES } from './infra-builders.ts';
import { GPU_VISIBILITY_RULES } from './infra-gpu-visibility.ts';
import { HOST_RULES } from './infra-host.ts';
import { DEPENDENCY_FAILED_RULES } from './dependency-failed.ts';
import { FALLBACK_RULES } from './fallback.ts';
import { FETCH_FAILURE_RULES } from './fetch-failure.ts';
import { SUBSTITUTE_RULES } from './fetch-substitutes.ts';
import { REPORT_RULES } from './reports.ts';

export const RULES: readonly Rule[] = [
  ...EVAL_REFUSED_RULES,
  ...EVAL_ERROR_RULES,
  ...DEPENDENCY_FAILED_RULES,
  ...FETCH_FAILURE_RULES,
  ...SUBSTITUTE_RULES,
  ...HOST_RULES,
  ...BUILDER_RULES,
  ...GPU_VISIBILITY_RULES,
  ...BUILD_CONFIGURE_CUDA_RULES,
  ...BUILD_CONFIGURE_RULES,
  ...BUILD_PATCH_RULES,
  ...BUILD_COMPILE_CUDA_RULES,
  ...BUILD_COMPILE_RULES,
  ...BUILD_LINK_RULES,
  ...BUILD_OUTPUT_RULES,
  ...BUILD_UNSUPPORTED_RULES,
  ...BUILD_TEST_RULES,
  ...BUILD_TOOL_RULES,
  ...BUILD_SANDBOX_RULES,
  ...RUNTIME_LOAD_RULES,
  ...SYMBOL_RULES,
  ...GRAPHICS_RULES,
  ...RUNTIME_TOOL_RULES,
  ...DRIVER_MISMATCH_RULES,
  ...ARCH_SPECIFIC_RULES,
  ...GPU_LIB_INIT_RULES,
  ...GPU_HARDWARE_RULES,
  ...GPU_CODE_RULES,
  ...GPU_OOM_RULES,
  ...ROCM_RULES,
  ...COLLECTIVE_NCCL_RULES,
  ...COLLECTIVE_RUN_RULES,
  ...COLLECTIVE_RULES,
  ...COLLECTIVE_UCX_RULES,
  ...GPU_CODE_TABLE_RULES,
  ...FALLBACK_RULES,
  ...REPORT_RULES,
  ...BENIGN_RULES,
  ...BENIGN_TOOL_RULES,
  ...CASCADE_RULES,
];
