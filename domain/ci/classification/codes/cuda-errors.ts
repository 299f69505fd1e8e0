/**
 * `cudaError_t` and `CUresult`, complete up to CUDA 13.5: `driver_types.h` and `cuda.h` of 12.9 and 13.5, the messages as
 * `cudaGetErrorString` of both runtimes returns them. One line a number: number | runtime name | driver name | fault | message.
 */

import type { CodeTable } from '../rule.ts';
import { ENVIRONMENT_FAULTS } from './environment-faults.ts';
import { codeTable } from './fault.ts';
import { PROGRAM_FAULTS } from './program-faults.ts';

/** All faults that CUDA and the libraries above it name by code. */
export const GPU_FAULTS = { ...ENVIRONMENT_FAULTS, ...PROGRAM_FAULTS };

const ROWS = `
0|Success|SUCCESS|no-error|no error
1|InvalidValue|INVALID_VALUE|invalid-argument|invalid argument
2|MemoryAllocation|OUT_OF_MEMORY|cuda-oom|out of memory
3|InitializationError|NOT_INITIALIZED|cuda-initialization-error|initialization error
4|CudartUnloading|DEINITIALIZED|driver-shutting-down|driver shutting down
5|ProfilerDisabled|PROFILER_DISABLED|api-misuse|profiler disabled while using external profiling tool
6|ProfilerNotInitialized|PROFILER_NOT_INITIALIZED|api-misuse|profiler not initialized: call cudaProfilerInitialize()
7|ProfilerAlreadyStarted|PROFILER_ALREADY_STARTED|api-misuse|profiler already started
8|ProfilerAlreadyStopped|PROFILER_ALREADY_STOPPED|api-misuse|profiler already stopped
9|InvalidConfiguration||invalid-launch-configuration|invalid configuration argument
10|VersionTranslation||driver-newer-than-library-supports|Driver is newer than runtime and returned parameters the runtime cannot process
12|InvalidPitchValue||api-misuse|invalid pitch argument
13|InvalidSymbol||invalid-device-symbol|invalid device symbol
16|InvalidHostPointer||api-misuse|invalid host pointer
17|InvalidDevicePointer||api-misuse|invalid device pointer
18|InvalidTexture||api-misuse|invalid texture reference
19|InvalidTextureBinding||api-misuse|texture is not bound to a pointer
20|InvalidChannelDescriptor||api-misuse|invalid channel descriptor
21|InvalidMemcpyDirection||api-misuse|invalid copy direction for memcpy
22|AddressOfConstant||api-misuse|invalid address of constant
23|TextureFetchFailed||api-misuse|fetch from texture failed
24|TextureNotBound||api-misuse|cannot fetch from a texture that is not bound
25|SynchronizationError||api-misuse|incorrect use of __syncthreads()
26|InvalidFilterSetting||api-misuse|linear filtering not supported for non-float type
27|InvalidNormSetting||api-misuse|read as normalized float not supported for data type
28|MixedDeviceExecution||api-misuse|device emulation mode and device execution mode cannot be mixed
31|NotYetImplemented||api-misuse|feature not yet implemented
32|MemoryValueTooLarge||api-misuse|memory size or pointer value too large to fit in 32 bit
34|StubLibrary|STUB_LIBRARY|libcuda-stub|CUDA driver is a stub library
35|InsufficientDriver||driver-insufficient|CUDA driver version is insufficient for CUDA runtime version
36|CallRequiresNewerDriver|CALL_REQUIRES_NEWER_DRIVER|driver-too-old|API call is not supported in the installed CUDA driver
37|InvalidSurface||api-misuse|invalid surface reference
43|DuplicateVariableName||api-misuse|duplicate global variable looked up by string name
44|DuplicateTextureName||api-misuse|duplicate texture looked up by string name
45|DuplicateSurfaceName||api-misuse|duplicate surface looked up by string name
46|DevicesUnavailable|DEVICE_UNAVAILABLE|device-busy|CUDA-capable device(s) is/are busy or unavailable
47||MULTICAST_RESOURCE_FULL|peer-resources-exhausted|
49|IncompatibleDriverContext||invalid-context|incompatible driver context
52|MissingConfiguration||api-misuse|__global__ function call is not configured
53|PriorLaunchFailure||launch-failure|unspecified launch failure in prior launch
65|LaunchMaxDepthExceeded||launch-out-of-resources|launch would exceed maximum depth of nested launches
66|LaunchFileScopedTex||api-misuse|launch failed because kernel uses unsupported, file-scoped textures (texture objects are supported)
67|LaunchFileScopedSurf||api-misuse|launch failed because kernel uses unsupported, file-scoped surfaces (surface objects are supported)
68|SyncDepthExceeded||launch-out-of-resources|cudaDeviceSynchronize failed because caller's grid depth exceeds cudaLimitDevRuntimeSyncDepth
69|LaunchPendingCountExceeded||launch-out-of-resources|launch failed because launch would exceed cudaLimitDevRuntimePendingLaunchCount
98|InvalidDeviceFunction||invalid-device-function|invalid device function
100|NoDevice|NO_DEVICE|no-gpu-visible|no CUDA-capable device is detected
101|InvalidDevice|INVALID_DEVICE|invalid-device-ordinal|invalid device ordinal
102|DeviceNotLicensed|DEVICE_NOT_LICENSED|vgpu-not-licensed|device doesn't have valid Grid license
103|SoftwareValidityNotEstablished||driver-combination-unsupported|integrity checks failed
127|StartupFailure||cuda-startup-failure|startup failure in cuda runtime
200|InvalidKernelImage|INVALID_IMAGE|device-kernel-image-invalid|device kernel image is invalid
201|DeviceUninitialized|INVALID_CONTEXT|invalid-context|invalid device context
202||CONTEXT_ALREADY_CURRENT|invalid-context|
205|MapBufferObjectFailed|MAP_FAILED|graphics-interop|mapping of buffer object failed
206|UnmapBufferObjectFailed|UNMAP_FAILED|graphics-interop|unmapping of buffer object failed
207|ArrayIsMapped|ARRAY_IS_MAPPED|graphics-interop|array is mapped
208|AlreadyMapped|ALREADY_MAPPED|graphics-interop|resource already mapped
209|NoKernelImageForDevice|NO_BINARY_FOR_GPU|no-kernel-image|no kernel image is available for execution on the device
210|AlreadyAcquired|ALREADY_ACQUIRED|graphics-interop|resource already acquired
211|NotMapped|NOT_MAPPED|graphics-interop|resource not mapped
212|NotMappedAsArray|NOT_MAPPED_AS_ARRAY|graphics-interop|resource not mapped as array
213|NotMappedAsPointer|NOT_MAPPED_AS_POINTER|graphics-interop|resource not mapped as pointer
214|ECCUncorrectable|ECC_UNCORRECTABLE|ecc-uncorrectable|uncorrectable ECC error encountered
215|UnsupportedLimit|UNSUPPORTED_LIMIT|not-supported-on-architecture|limit is not supported on this architecture
216|DeviceAlreadyInUse|CONTEXT_ALREADY_IN_USE|device-busy|exclusive-thread device already in use by a different thread
217|PeerAccessUnsupported|PEER_ACCESS_UNSUPPORTED|peer-access-unsupported|peer access is not supported between these two devices
218|InvalidPtx|INVALID_PTX|ptx-jit-failed|a PTX JIT compilation failed
219|InvalidGraphicsContext|INVALID_GRAPHICS_CONTEXT|graphics-interop|invalid OpenGL or DirectX context
220|NvlinkUncorrectable|NVLINK_UNCORRECTABLE|nvlink-uncorrectable|uncorrectable NVLink error detected during the execution
221|JitCompilerNotFound|JIT_COMPILER_NOT_FOUND|ptxjitcompiler-missing|PTX JIT compiler library not found
222|UnsupportedPtxVersion|UNSUPPORTED_PTX_VERSION|unsupported-ptx-version|the provided PTX was compiled with an unsupported toolchain.
223|JitCompilationDisabled|JIT_COMPILATION_DISABLED|ptx-jit-disabled|PTX JIT compilation was disabled
224|UnsupportedExecAffinity|UNSUPPORTED_EXEC_AFFINITY|not-supported-on-architecture|the provided execution affinity is not supported
225|UnsupportedDevSideSync|UNSUPPORTED_DEVSIDE_SYNC|not-supported-on-architecture|the provided PTX contains unsupported call to cudaDeviceSynchronize
226|Contained|CONTAINED|gpu-contained-error|Invalid access of peer GPU memory over nvlink or a hardware error
227|InsufficientLoaderVersion|INSUFFICIENT_LOADER_VERSION|driver-too-old|Loader version is insufficient for fatbin
300|InvalidSource|INVALID_SOURCE|device-kernel-image-invalid|device kernel image is invalid
301|FileNotFound|FILE_NOT_FOUND|gpu-file-not-found|file not found
302|SharedObjectSymbolNotFound|SHARED_OBJECT_SYMBOL_NOT_FOUND|named-symbol-not-found|shared object symbol not found
303|SharedObjectInitFailed|SHARED_OBJECT_INIT_FAILED|shared-object-init-failed|shared object initialization failed
304|OperatingSystem|OPERATING_SYSTEM|gpu-os-call-failed|OS call failed or operation not supported on this OS
400|InvalidResourceHandle|INVALID_HANDLE|invalid-resource-handle|invalid resource handle
401|IllegalState|ILLEGAL_STATE|api-misuse|the operation cannot be performed in the present state
402|LossyQuery|LOSSY_QUERY|api-misuse|attempted introspection would be semantically lossy
500|SymbolNotFound|NOT_FOUND|named-symbol-not-found|named symbol not found
600|NotReady|NOT_READY|no-error|device not ready
700|IllegalAddress|ILLEGAL_ADDRESS|illegal-memory-access|an illegal memory access was encountered
701|LaunchOutOfResources|LAUNCH_OUT_OF_RESOURCES|launch-out-of-resources|too many resources requested for launch
702|LaunchTimeout|LAUNCH_TIMEOUT|launch-timeout|the launch timed out and was terminated
703|LaunchIncompatibleTexturing|LAUNCH_INCOMPATIBLE_TEXTURING|api-misuse|launch uses incompatible texturing mode
704|PeerAccessAlreadyEnabled|PEER_ACCESS_ALREADY_ENABLED|peer-access-state|peer access is already enabled
705|PeerAccessNotEnabled|PEER_ACCESS_NOT_ENABLED|peer-access-state|peer access has not been enabled
708|SetOnActiveProcess|PRIMARY_CONTEXT_ACTIVE|api-misuse|cannot set while device is active in this process
709|ContextIsDestroyed|CONTEXT_IS_DESTROYED|invalid-context|context is destroyed
710|Assert|ASSERT|device-side-assert|device-side assert triggered
711|TooManyPeers|TOO_MANY_PEERS|peer-resources-exhausted|peer mapping resources exhausted
712|HostMemoryAlreadyRegistered|HOST_MEMORY_ALREADY_REGISTERED|host-memory-registration|part or all of the requested memory range is already mapped
713|HostMemoryNotRegistered|HOST_MEMORY_NOT_REGISTERED|host-memory-registration|pointer does not correspond to a registered memory region
714|HardwareStackError|HARDWARE_STACK_ERROR|hardware-stack-error|hardware stack error
715|IllegalInstruction|ILLEGAL_INSTRUCTION|illegal-instruction|an illegal instruction was encountered
716|MisalignedAddress|MISALIGNED_ADDRESS|misaligned-address|misaligned address
717|InvalidAddressSpace|INVALID_ADDRESS_SPACE|invalid-address-space|operation not supported on global/shared address space
718|InvalidPc|INVALID_PC|illegal-instruction|invalid program counter
719|LaunchFailure|LAUNCH_FAILED|launch-failure|unspecified launch failure
720|CooperativeLaunchTooLarge|COOPERATIVE_LAUNCH_TOO_LARGE|cooperative-launch-too-large|too many blocks in cooperative launch
721|TensorMemoryLeak|TENSOR_MEMORY_LEAK|api-misuse|tensor memory not completely freed
800|NotPermitted|NOT_PERMITTED|gpu-not-permitted|operation not permitted
801|NotSupported|NOT_SUPPORTED|operation-not-supported|operation not supported
802|SystemNotReady|SYSTEM_NOT_READY|fabric-manager-not-running|system not yet initialized
803|SystemDriverMismatch|SYSTEM_DRIVER_MISMATCH|driver-combination-unsupported|system has unsupported display driver / cuda driver combination
804|CompatNotSupportedOnDevice|COMPAT_NOT_SUPPORTED_ON_DEVICE|forward-compat-unsupported|forward compatibility was attempted on non supported HW
805|MpsConnectionFailed|MPS_CONNECTION_FAILED|mps-unavailable|MPS client failed to connect to the MPS control daemon or the MPS server
806|MpsRpcFailure|MPS_RPC_FAILURE|mps-unavailable|the remote procedural call between the MPS server and the MPS client failed
807|MpsServerNotReady|MPS_SERVER_NOT_READY|mps-unavailable|MPS server is not ready to accept new MPS client requests
808|MpsMaxClientsReached|MPS_MAX_CLIENTS_REACHED|mps-unavailable|the hardware resources required to create MPS client have been exhausted
809|MpsMaxConnectionsReached|MPS_MAX_CONNECTIONS_REACHED|mps-unavailable|the hardware resources required to support device connections have been exhausted
810|MpsClientTerminated|MPS_CLIENT_TERMINATED|mps-unavailable|the MPS client has been terminated by the server
811|CdpNotSupported|CDP_NOT_SUPPORTED|not-supported-on-architecture|is using CUDA Dynamic Parallelism, but the current configuration, like MPS, does not support it
812|CdpVersionMismatch|CDP_VERSION_MISMATCH|api-misuse|unsupported interaction between different versions of CUDA Dynamic Parallelism
900|StreamCaptureUnsupported|STREAM_CAPTURE_UNSUPPORTED|stream-capture|operation not permitted when stream is capturing
901|StreamCaptureInvalidated|STREAM_CAPTURE_INVALIDATED|stream-capture|operation failed due to a previous error during capture
902|StreamCaptureMerge|STREAM_CAPTURE_MERGE|stream-capture|operation would result in a merge of separate capture sequences
903|StreamCaptureUnmatched|STREAM_CAPTURE_UNMATCHED|stream-capture|capture was not ended in the same stream as it began
904|StreamCaptureUnjoined|STREAM_CAPTURE_UNJOINED|stream-capture|capturing stream has unjoined work
905|StreamCaptureIsolation|STREAM_CAPTURE_ISOLATION|stream-capture|dependency created on uncaptured work in another stream
906|StreamCaptureImplicit|STREAM_CAPTURE_IMPLICIT|stream-capture|operation would make the legacy stream depend on a capturing blocking stream
907|CapturedEvent|CAPTURED_EVENT|stream-capture|operation not permitted on an event last recorded in a capturing stream
908|StreamCaptureWrongThread|STREAM_CAPTURE_WRONG_THREAD|stream-capture|attempt to terminate a thread-local capture sequence from another thread
909|Timeout|TIMEOUT|external-wait|wait operation timed out
910|GraphExecUpdateFailure|GRAPH_EXEC_UPDATE_FAILURE|graph-update-failed|the graph update was not performed because it included changes which violated constraints specific to instantiated graph update
911|ExternalDevice|EXTERNAL_DEVICE|external-wait|an async error has occured in external entity outside of CUDA
912|InvalidClusterSize|INVALID_CLUSTER_SIZE|invalid-launch-configuration|a kernel launch error has occurred due to cluster misconfiguration
913|FunctionNotLoaded|FUNCTION_NOT_LOADED|api-misuse|the function handle is not loaded when calling an API that requires a loaded function
914|InvalidResourceType|INVALID_RESOURCE_TYPE|api-misuse|one or more resources passed in are not valid resource types for the operation
915|InvalidResourceConfiguration|INVALID_RESOURCE_CONFIGURATION|api-misuse|one or more resources are insufficient or non-applicable for the operation
916||KEY_ROTATION|driver-combination-unsupported|
917|StreamDetached|STREAM_DETACHED|invalid-context|API call not permitted since the green context associated with the stream has been destroyed
918|GraphRecaptureFailure|GRAPH_RECAPTURE_FAILURE|graph-update-failed|recapturing to the source graph failed and had to be terminated
919|FabricNotReady|FABRIC_NOT_READY|fabric-manager-not-running|GPU fabric is not ready within the probe wait budget; application may retry (see CUDA_FABRIC_INIT_TIMEOUT_MS)
999|Unknown|UNKNOWN|unknown-error|unknown error
10000|ApiFailureBase||unknown-error|
`;

interface CudaError {
  readonly number: string;
  /** `NoDevice` of `cudaErrorNoDevice`; empty where the runtime has no such code. */
  readonly runtime: string;
  /** `NO_DEVICE` of `CUDA_ERROR_NO_DEVICE`; empty where the driver has none. */
  readonly driver: string;
  readonly fault: string;
  readonly message: string;
}

export const CUDA_ERRORS: readonly CudaError[] = ROWS.trim()
  .split('\n')
  .map((row) => {
    const [number = '', runtime = '', driver = '', fault = '', message = ''] = row.split('|');
    return { number, runtime, driver, fault, message };
  });

/**
 * Messages that older releases print for the same faults, or that differ in wording between driver and runtime.
 * The texts of "invalid argument" and its like belong to many tools and count only behind the word CUDA.
 */
const OLD_MESSAGES: readonly (readonly [string, string])[] = [
  ['all CUDA-capable devices are busy or unavailable', 'device-busy'],
  ['invalid configuration argument', 'invalid-launch-configuration'],
  ['out of resources', 'launch-out-of-resources'],
  ['PTX JIT compiler library not found', 'ptxjitcompiler-missing'],
];

/** Messages too common to mean CUDA without its name beside them. */
const COMMON_MESSAGES = new Set([
  'no error',
  'invalid argument',
  'out of memory',
  'initialization error',
  'unknown error',
  'file not found',
  'operation not permitted',
  'operation not supported',
  'device not ready',
  'context is destroyed',
  'integrity checks failed',
  'hardware stack error',
  'misaligned address',
  'invalid program counter',
  'out of resources',
  'wait operation timed out',
  'array is mapped',
  'resource not mapped',
  'invalid host pointer',
  'feature not yet implemented',
  'resource already mapped',
  'resource already acquired',
  'driver shutting down',
  'invalid resource handle',
]);

/** Numbers of the runtime before CUDA 10.1; a log that prints a number alone may mean these. */
const OLD_NUMBERS: readonly (readonly [string, string])[] = [
  ['30', 'unknown-error'],
  ['38', 'no-gpu-visible'],
  ['39', 'ecc-uncorrectable'],
  ['48', 'no-kernel-image'],
  ['59', 'device-side-assert'],
  ['74', 'misaligned-address'],
  ['77', 'illegal-memory-access'],
];

/** Success and "not ready" are in the enumeration, but a line that names them says nothing. */
const FAULTY = CUDA_ERRORS.filter(({ fault }) => fault !== 'no-error');

/** Meanings by what stands behind `cudaError` or `CUDA_ERROR_`. */
export const CUDA_ERROR_NAMES: CodeTable = codeTable(
  GPU_FAULTS,
  FAULTY.flatMap(({ runtime, driver, fault }) => [
    ...(runtime === '' ? [] : [[runtime, fault] as const]),
    ...(driver === '' ? [] : [[driver, fault] as const]),
  ]),
);

/** Meanings by number. */
export const CUDA_ERROR_NUMBERS: CodeTable = codeTable(GPU_FAULTS, [
  ...OLD_NUMBERS,
  ...FAULTY.map(({ number, fault }) => [number, fault] as const),
]);

const MESSAGES: readonly (readonly [string, string])[] = [
  ...FAULTY.filter(({ message }) => message !== '').map(
    ({ message, fault }) => [trimStop(message), fault] as const,
  ),
  ...OLD_MESSAGES,
];

/** Meanings by message, for messages that only CUDA prints. */
export const CUDA_DISTINCT_MESSAGES: CodeTable = codeTable(
  GPU_FAULTS,
  MESSAGES.filter(([message]) => !COMMON_MESSAGES.has(message)),
);

/** Meanings by message, for all messages; to be used behind the word CUDA only. */
export const CUDA_MESSAGES: CodeTable = codeTable(GPU_FAULTS, MESSAGES);

function trimStop(message: string): string {
  return message.replace(/\.$/, '');
}
