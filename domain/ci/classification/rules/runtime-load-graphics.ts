/** Drivers that Vulkan, OpenGL and OpenCL look for at run time (class `runtime-load`). */

import { VULKAN_ERRORS } from '../codes/graphics.ts';
import { defineRules } from './define.ts';

export const GRAPHICS_RULES = defineRules(
  'runtime-load',
  { rank: 'specific', scope: 'host', retry: 'other', confidence: 0.85 },
  [
    {
      subclass: 'vulkan-error',
      patterns: [/VK_ERROR_(?<code>[A-Z_]{6,40})/],
      codes: VULKAN_ERRORS,
      explanation: 'Vulkan reports an error.',
      examples: [
        'vkCreateInstance failed: VK_ERROR_INCOMPATIBLE_DRIVER',
        'ERROR: [Loader Message] VK_ERROR_LAYER_NOT_PRESENT',
      ],
    },
    {
      subclass: 'vulkan-no-driver',
      patterns: [
        'Found no drivers!',
        /[Cc]ould not (?:find|get) (?:a suitable )?Vulkan (?:ICD|driver|instance)/,
        /Cannot create Vulkan instance/,
        /vk::createInstance: ErrorIncompatibleDriver/,
        /[Nn]o Vulkan (?:devices|drivers|physical devices) (?:found|available)/,
      ],
      scope: 'host',
      retry: 'other',
      confidence: 0.85,
      explanation:
        'Vulkan found no driver: check VK_DRIVER_FILES, /run/opengl-driver and the mounts of the sandbox.',
      examples: [
        'ERROR: [Loader Message] Code 0 : vkCreateInstance: Found no drivers!',
        'terminate called: vk::createInstance: ErrorIncompatibleDriver',
      ],
    },
    {
      subclass: 'opengl-driver-missing',
      patterns: [
        /libGL error: (?:failed to load driver|unable to load driver): (?<driver>\S{1,30})/,
        /MESA-LOADER: failed to open (?<driver>\S{1,30})/,
        /(?:eglInitialize|eglGetDisplay|eglCreateContext)\b.{0,40}(?:failed|EGL_NO_DISPLAY|error)/,
        /[Ff]ailed to (?:create|initialize) (?:an? )?(?:EGL|GLX|OpenGL)/,
        "couldn't find RGB GLX visual",
        /(?:EGL|GLX|OpenGL): Library not found/,
        /[Nn]o (?:GL|OpenGL) implementation is available/,
      ],
      excludes: [/libEGL warning/],
      scope: 'host',
      retry: 'other',
      confidence: 0.82,
      explanation:
        'OpenGL found no driver: check /run/opengl-driver, __EGL_VENDOR_LIBRARY_FILENAMES and the mounts of the sandbox.',
      examples: [
        'libGL error: failed to load driver: nvidia-drm',
        'RuntimeError: Failed to initialize EGL: no display',
      ],
    },
    {
      subclass: 'opencl-no-platform',
      patterns: [
        'PLATFORM_NOT_FOUND_KHR',
        /clGetPlatformIDs.{0,60}-1001/,
        /[Nn]o OpenCL (?:platforms?|devices?) (?:found|available)/,
      ],
      scope: 'host',
      retry: 'other',
      confidence: 0.85,
      explanation: 'OpenCL found no platform: check OCL_ICD_VENDORS and the mounts of the sandbox.',
      examples: [
        'pyopencl._cl.LogicError: clGetPlatformIDs failed: PLATFORM_NOT_FOUND_KHR',
        'clGetPlatformIDs(-1001)',
      ],
    },
  ],
);
