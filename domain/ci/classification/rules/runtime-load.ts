/** Libraries and tools that a GPU program loads while it runs, as glibc's loader and the programs themselves report them. */

import { NVML_ERRORS } from '../codes/graphics.ts';
import { defineRules } from './define.ts';

/** CUDA's libraries, without cuDNN, NVML and libcuda, which have subclasses of their own. */
const CUDA_LIBRARY =
  '(?<library>lib(?:cudart|cublas|cufft|curand|cusolver|cusparse|cupti|nvrtc|nvToolsExt|nvJitLink|nccl|nvinfer|nvonnx|cutensor|nppc|nppi|npps|nppif|nvjpeg|cudss|cufile|nvshmem|nvvm|cudadevrt)[\\w-]{0,40})\\.so';
/** glibc's words, also where a program quotes them. */
const LOADER_REFUSES = new RegExp(
  `${CUDA_LIBRARY}[.\\d]{0,16}'?(?:; dlerror)?: .{0,80}(?:cannot open|not found)`,
);
/** A program's own words. */
const PROGRAM_REFUSES = new RegExp(
  `(?:[Ee]rror|[Ff]ailed|[Uu]nable|[Cc]ould not|[Cc]annot|[Cc]ouldn't|[Cc]an't)[^.]{0,30}(?:dlopen|load|open|find|locate)[^.]{0,30}${CUDA_LIBRARY}`,
);

export const RUNTIME_LOAD_RULES = defineRules(
  'runtime-load',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.92 },
  [
    {
      subclass: 'libcuda-missing-runpath',
      patterns: [
        /libcuda\.so(?:\.1)?: cannot open/,
        /Could not load dynamic library 'libcuda\.so/,
        /(?:[Ff]ailed|[Uu]nable|[Cc]ould not|[Cc]annot) (?:to )?(?:load|open|find|dlopen) (?:library )?['"]?libcuda\.so/,
        'Could not find cuda drivers on your machine',
        'CUDA driver library cannot be found',
        /Could not dlopen library 'libcuda\.so/,
      ],
      excludes: [/auto-patchelf|cannot found/],
      confidence: 0.9,
      explanation:
        'libcuda.so.1 was not found: add autoAddDriverRunpath; if the canary fails too, repair the driver mount.',
      examples: [
        'ImportError: libcuda.so.1: cannot open shared object file: No such file or directory',
        "W tsl/dso_loader.cc:55] Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: cannot open shared object file",
        'dlopen error: failed to load libcuda.so.1',
      ],
    },
    {
      subclass: 'libcuda-not-found-triton',
      patterns: [
        /\bli\w?cuda\.so (?:cannot |could )?(?:not )?found/,
        /\['?\/?(?:s?bin\/)?ldconfig', '-p'\]'? (?:returned non-zero|died)/,
        /\[?'(?:\/sbin\/)?ldconfig'.{0,20}'-p'.{0,40}returned non-zero/,
        /No such file or directory: '\/sbin\/ldconfig'/,
      ],
      explanation:
        "Triton looks for libcuda.so with ldconfig, which NixOS has not: set TRITON_LIBCUDA_PATH to the driver's directory.",
      examples: [
        'AssertionError: libcuda.so cannot found!',
        "subprocess.CalledProcessError: Command '['/sbin/ldconfig', '-p']' returned non-zero exit status 1.",
        "FileNotFoundError: [Errno 2] No such file or directory: '/sbin/ldconfig'",
      ],
    },
    {
      subclass: 'libcuda-not-found-reported-as-driver',
      patterns: [
        /cudaSetDevice err: 35\b/,
        'CUDA unknown error - this may be due to an incorrectly set up environment',
        /cuInit: UNKNOWN ERROR \((?:303|34|-1)\)/,
        /cu(?:da)?\w{2,30} returned 35\b/,
      ],
      confidence: 0.75,
      explanation:
        'The program says "driver", but libcuda.so.1 may not have been found: compare with nvidia-smi, then check the runpath.',
      examples: [
        'level=INFO msg="error looking up nvidia GPU memory" cudaSetDevice err: 35',
        'RuntimeError: CUDA unknown error - this may be due to an incorrectly set up environment, e.g. changing env variable CUDA_VISIBLE_DEVICES after program start.',
      ],
    },
    {
      subclass: 'libcuda-stub',
      patterns: [
        'CUDA driver is a stub',
        /\/stubs\/lib(?:cuda|nvidia-ml)\.so/,
        'You should always run with libnvidia-ml.so that is installed with your NVIDIA Display Driver',
      ],
      excludes: [/--print-rpath|RUNPATH|-L\/|-o |linking|Linking|symlink/],
      confidence: 0.975,
      explanation:
        'The stub of libcuda or NVML was loaded: the driver path must come before lib/stubs in the runpath.',
      examples: [
        '-> CUDA driver is a stub library',
        '/cuda/lib64/stubs/libcuda.so.1: undefined symbol: cuMemCreate',
        'WARNING:\n\nYou should always run with libnvidia-ml.so that is installed with your NVIDIA Display Driver.',
      ],
    },
    {
      subclass: 'stub-in-runpath',
      patterns: [/[^\s:]{1,200}\/lib(?:64)?\/stubs(?::|\]|$)/],
      when: [/patchelf --print-rpath/, /\(R(?:UN)?PATH\)/, /Library runpath/],
      explanation: 'The runpath contains lib/stubs: removeStubsFromRunpathHook takes it out.',
      examples: [
        '$ patchelf --print-rpath bin/app\n/nix/store/a-glibc/lib:/nix/store/b-cuda_cudart-13.0-stubs/lib/stubs',
        ' 0x1d (RUNPATH)  Library runpath: [/nix/store/b-cudart/lib/stubs:/run/opengl-driver/lib]',
      ],
    },
    {
      subclass: 'cudnn-library-missing',
      patterns: [
        /(?<library>libcudnn\w{0,40})\.so[.\d]{0,16}'?(?:; dlerror)?: .{0,80}(?:cannot open|not found)/,
        /Could not load (?:dynamic )?library '?(?<library>libcudnn\w{0,40})\.so/,
        /Unable to load any of \{(?<library>libcudnn\w{0,40})/,
      ],
      excludes: [/auto-patchelf|version [`']/],
      confidence: 0.94,
      explanation: '{library} was not found: add cudnn to the inputs and its directory to the runpath.',
      examples: [
        'ImportError: libcudnn.so.8: cannot open shared object file: No such file or directory',
        'Could not load library libcudnn_ops_infer.so.8. Error: libcudnn_ops_infer.so.8: cannot open shared object file',
        'Unable to load any of {libcudnn_cnn.so.9.1.0, libcudnn_cnn.so.9.1, libcudnn_cnn.so.9, libcudnn_cnn.so}',
      ],
    },
    {
      subclass: 'cuda-library-missing',
      patterns: [
        LOADER_REFUSES,
        PROGRAM_REFUSES,
        /Could not load dynamic library '(?<library>lib(?:cudart|cublas|cufft|curand|cusolver|cusparse)\w{0,8})\.so/,
        'unable to locate gpu dependency libraries',
        /Unable to load (?<library>cu\w{2,12})\. Is it installed/,
      ],
      excludes: [
        /auto-patchelf|^-- |[Ll]inking|version [`']|dynamic library 'libnvinfer|libnccl-(?:net|tuner|profiler|env)|NCCL INFO/,
      ],
      confidence: 0.93,
      explanation:
        '{library|A CUDA library} was not found: add its package to the inputs and its directory to the runpath.',
      examples: [
        'error while loading shared libraries: libcufft.so.12: cannot open shared object file: No such file or directory',
        'OSError: libnvrtc.so.13: cannot open shared object file: No such file or directory',
        "W tensorflow/dso_loader.cc:64] Could not load dynamic library 'libcusolver.so.11'; dlerror: libcusolver.so.11: cannot open",
      ],
    },
    {
      subclass: 'ptxjitcompiler-missing',
      patterns: ['libnvidia-ptxjitcompiler.so', 'PTX JIT compiler library not found'],
      excludes: [/cuda_?compat|auto-patchelf/],
      confidence: 0.93,
      explanation:
        'libnvidia-ptxjitcompiler was not found: it belongs to the driver, so check the driver path in the runpath.',
      examples: [
        'RuntimeError: libnvidia-ptxjitcompiler.so.1: cannot open shared object file',
        'CUDA_ERROR_JIT_COMPILER_NOT_FOUND: PTX JIT compiler library not found',
      ],
    },
    {
      subclass: 'nvml-not-found',
      patterns: [
        /libnvidia-ml\.so(?:\.1)?: cannot open/,
        'NVML Shared Library Not Found',
        /(?:[Uu]nable to load|[Cc]ould not load|[Ff]ailed to load) .{0,30}libnvidia-ml\.so/,
      ],
      confidence: 0.87,
      explanation: 'libnvidia-ml.so.1 was not found: check the driver path in the runpath.',
      examples: [
        'error while loading shared libraries: libnvidia-ml.so.1: cannot open shared object file: No such file or directory',
        'pynvml.nvml.NVMLError_LibraryNotFound: NVML Shared Library Not Found',
      ],
    },
    {
      subclass: 'nvml-not-found-jetson',
      patterns: [/libnvidia-ml\.so(?:\.1)?: cannot open/, 'NVML Shared Library Not Found'],
      when: [/[Jj]etson|[Tt]egra|nvgpu|AGX Orin|Orin Nano|Xavier/],
      scope: 'host',
      confidence: 0.87,
      explanation: 'A Jetson has no NVML: the check does not apply there.',
      examples: [
        'Linux tegra-ubuntu 5.15 aarch64\nNVML Shared Library Not Found',
        'model: NVIDIA Jetson AGX Orin\nOSError: libnvidia-ml.so.1: cannot open shared object file',
      ],
    },
    {
      subclass: 'nvml-error',
      rank: 'consequence',
      patterns: [
        /NVML_ERROR_(?<code>[A-Z_]{4,40})/,
        /NVMLError_(?<code>[A-Za-z]{4,40})/,
        /nvml\w{0,20} (?:vram )?init(?:ialization)? (?:failure|failed|error):? ?(?:with |code )?(?<code>\d{1,2})\b/i,
      ],
      codes: NVML_ERRORS,
      explanation: 'NVML reports an error.',
      examples: ['nvmlInit_v2 failed: NVML_ERROR_LIBRARY_NOT_FOUND', 'pynvml.NVMLError_LibraryNotFound: x'],
    },
    {
      subclass: 'cpu-only-build',
      patterns: [
        'Torch not compiled with CUDA enabled',
        'The library is compiled without CUDA support',
        /[Nn]ot (?:compiled|built) with (?:CUDA|GPU|NCCL|cuDNN)(?: support| enabled)?/,
        /compiled without (?:CUDA|GPU|NCCL) support/,
        "Distributed package doesn't have NCCL built in",
        /(?:CUDA|GPU) (?:support|Tree Learner) (?:is|was) not (?:enabled|compiled|built)/,
      ],
      excludes: [/^-- |[Ww]arning: .{0,40}(?:NCCL|cuDNN)/],
      confidence: 0.96,
      explanation:
        'A variant without CUDA was used: check cudaSupport of the package and of what it takes the library from.',
      examples: [
        'AssertionError: Torch not compiled with CUDA enabled',
        'OpenCV(4.11.0) error: (-216:No CUDA support) The library is compiled without CUDA support in function throw_no_cuda',
        "RuntimeError: Distributed package doesn't have NCCL built in",
      ],
    },
    {
      subclass: 'cuda-not-available',
      patterns: [
        /assert torch\.cuda\.is_available\(\)/,
        /torch\.cuda\.is_available\(\) (?:is|returned|==) False/,
        /AssertionError: CUDA (?:is )?not available/,
        /Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False/,
        /CUDA (?:is|device is) not available/,
        /torch\.cuda\.is_available\(\)[^\w]{1,6}(?:is |returned |returns |gives |== )?False/,
        /CUDA available\?? ?: ?(?:False|No)\b/i,
      ],
      excludes: [/UserWarning|skip/i],
      confidence: 0.75,
      explanation: 'PyTorch sees no CUDA: find out whether it is a build without CUDA or a missing driver.',
      examples: [
        '    assert torch.cuda.is_available()\nAssertionError',
        'RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False.',
      ],
    },
    {
      subclass: 'library-not-loadable',
      patterns: [
        /(?<library>\S{1,200}\.so(?:\.[\d.]{1,12})?): (?<_message>cannot allocate memory in static TLS block|invalid ELF header|wrong ELF class|ELF load command|cannot enable executable stack|file too short)/,
        /(?<_message>cannot allocate memory in static TLS block)/,
      ],
      confidence: 0.88,
      explanation:
        'The loader refuses {library|a library} ({message}): check how it was built, and in which order libraries are loaded.',
      examples: [
        'ImportError: /lib/libgomp.so.1: cannot allocate memory in static TLS block',
        'OSError: /nix/store/a-x/lib/libcupti.so.12: invalid ELF header',
      ],
    },
    {
      subclass: 'library-missing',
      rank: 'consequence',
      patterns: [
        /(?<library>lib[\w.+-]{1,80}\.so(?:\.[\d.]{1,12})?): cannot open shared/,
        /error while loading shared libraries: (?<library>\S{1,80}):/,
        /(?:Cannot|Failed to|Could not|Unable to) (?:load|open|dlopen) (?:library |shared library )?'?(?<library>lib[\w.+-]{2,60}\.so)/,
        /LoadLib\((?<library>lib[\w.+-]{1,60}\.so)/,
      ],
      excludes: [/auto-patchelf|libnccl-(?:net|tuner|profiler|env)|NCCL INFO|libtpu/],
      confidence: 0.8,
      explanation:
        'The loader does not find {library}: add its package to the inputs and its directory to the runpath.',
      examples: [
        'ImportError: libGL.so.1: cannot open shared object file: No such file or directory',
        'error while loading shared libraries: libtbb.so.12: cannot open shared object file',
      ],
    },
  ],
);
