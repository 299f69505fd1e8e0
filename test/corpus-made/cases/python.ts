/** What pip, setuptools, other build back ends, pytest and unittest refuse. */

import { madeCases } from '../case.ts';

const pyproject = (backend: string, requires: string, rest = ''): string =>
  `[build-system]\nrequires = [${requires}]\nbuild-backend = "${backend}"\n[project]\nname = "made"\nversion = "1"\n${rest}`;
const WHEEL = 'python -m pip wheel --no-deps --no-build-isolation --no-index -w dist .';
const TEST = 'python -m pytest -p no:cacheprovider';

export const PYTHON_CASES = madeCases(
  'build',
  ['python'],
  [
    [
      'pip-no-distribution',
      'build-configure/missing-python-build-dep',
      'python -m pip install --no-index torch==2.99',
    ],
    [
      'pip-isolated',
      'build-configure/missing-python-build-dep',
      'python -m pip wheel --no-deps --no-index -w dist .',
      { 'pyproject.toml': pyproject('scikit_build_core.build', '"scikit-build-core"') },
    ],
    [
      'pip-backend',
      'build-configure/missing-python-build-dep',
      WHEEL,
      { 'pyproject.toml': pyproject('scikit_build_core.build', '"scikit-build-core"') },
    ],
    [
      'pip-backend-module',
      'build-configure/missing-python-build-dep',
      WHEEL,
      {
        'pyproject.toml': pyproject('setuptools.build_meta', '"setuptools"'),
        'setup.py': 'from Cython.Build import cythonize\nfrom setuptools import setup\nsetup()\n',
      },
    ],
    [
      'pip-toml',
      'build-configure/python-build-backend',
      WHEEL,
      { 'pyproject.toml': '[build-system\nrequires = []\n' },
    ],
    ['pip-no-project', 'build-configure/python-build-backend', WHEEL],
    [
      'pip-python-version',
      'build-configure/python-build-backend',
      WHEEL,
      {
        'pyproject.toml': pyproject('setuptools.build_meta', '"setuptools"', 'requires-python = ">=3.99"\n'),
      },
    ],
    [
      'setuptools-flat-layout',
      'build-configure/python-build-backend',
      WHEEL,
      {
        'pyproject.toml': pyproject('setuptools.build_meta', '"setuptools"'),
        'csrc/a.txt': '',
        'csrc/__init__.py': '',
        'benchmarks/__init__.py': '',
        'models/__init__.py': '',
      },
    ],
    [
      'setuptools-extension',
      'build-compile/missing-header',
      WHEEL,
      {
        'setup.py':
          'from setuptools import Extension, setup\nsetup(name="made", ext_modules=[Extension("made", ["a.c"])])\n',
        'a.c': '#include <cuda_runtime_api.h>\n',
      },
      ['gcc'],
    ],
    [
      'setuptools-link',
      'build-link/missing-library',
      WHEEL,
      {
        'setup.py':
          'from setuptools import Extension, setup\nsetup(name="made", ext_modules=[Extension("made", ["a.c"], libraries=["cublasmade"])])\n',
        'a.c': 'int x;\n',
      },
      ['gcc'],
    ],
    [
      'setuptools-raises',
      'build-configure/python-build-backend',
      WHEEL,
      {
        'setup.py':
          'import os\nfrom setuptools import setup\nversion = open("VERSION").read()\nsetup(name="made", version=version)\n',
      },
    ],
    [
      'setuptools-environment',
      'build-configure/python-build-backend',
      WHEEL,
      {
        'setup.py':
          'import os\nfrom setuptools import setup\nhome = os.environ["CUDA_HOME_MADE"]\nsetup(name="made")\n',
      },
    ],
    [
      'hatchling-no-files',
      'build-configure/python-build-backend',
      WHEEL,
      { 'pyproject.toml': pyproject('hatchling.build', '"hatchling"') },
    ],
    [
      'pytest-assert',
      'build-test/pytest-failure',
      TEST,
      { 'test_a.py': 'def test_a():\n    assert 1 + 1 == 3\n' },
    ],
    [
      'pytest-numeric',
      'build-test/unittest-assertion-numeric',
      TEST,
      {
        'test_a.py':
          'import numpy as np\ndef test_a():\n    np.testing.assert_allclose(np.ones(4), np.ones(4) + 1e-3, rtol=1e-6)\n',
      },
    ],
    [
      'pytest-import',
      'build-test/pytest-failure',
      TEST,
      { 'test_a.py': 'import einops_made\ndef test_a():\n    pass\n' },
    ],
    [
      'pytest-fixture',
      'build-test/pytest-failure',
      TEST,
      { 'test_a.py': 'def test_a(benchmark_made):\n    pass\n' },
    ],
    ['pytest-none', 'build-test/no-tests-collected', TEST, { 'test_a.py': 'x = 1\n' }],
    [
      'pytest-option',
      'build-test/pytest-failure',
      `${TEST} -n auto`,
      { 'test_a.py': 'def test_a():\n    pass\n' },
    ],
    ['pytest-raises', 'build-test/pytest-failure', TEST, { 'test_a.py': 'def test_a():\n    {}["cuda"]\n' }],
    [
      'pytest-warning-error',
      'build-test/pytest-failure',
      `${TEST} -W error`,
      { 'test_a.py': 'import warnings\ndef test_a():\n    warnings.warn("old", DeprecationWarning)\n' },
    ],
    ['pytest-syntax', 'build-test/pytest-failure', TEST, { 'test_a.py': 'def test_a(:\n    pass\n' }],
    [
      'pytest-network',
      'build-sandbox/network-access',
      `unshare --net ${TEST}`,
      {
        'test_a.py':
          'import urllib.request\ndef test_a():\n    urllib.request.urlopen("https://huggingface.co/x")\n',
      },
      ['mount'],
    ],
    [
      'pytest-crash',
      'build-test/process-crashed',
      TEST,
      { 'test_a.py': 'import ctypes\ndef test_a():\n    ctypes.string_at(0)\n' },
    ],
    [
      'pytest-memory',
      'infra/oom-kill',
      `ulimit -v 600000; ${TEST}`,
      { 'test_a.py': 'import numpy as np\ndef test_a():\n    np.zeros(1 << 40)\n' },
    ],
    [
      'unittest-failure',
      'build-test/unittest-failure',
      'python -m unittest',
      {
        'test_a.py':
          'import unittest\nclass A(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(1, 2)\n',
      },
    ],
    [
      'unittest-error',
      'build-test/unittest-failure',
      'python -m unittest',
      {
        'test_a.py':
          'import unittest\nclass A(unittest.TestCase):\n    def test_a(self):\n        raise ValueError("no device")\n',
      },
    ],
    ['python-module', 'build-test/imports-check', 'python -c "import made_up_module"'],
    ['python-abort', 'build-test/process-crashed', 'python -X faulthandler -c "import os; os.abort()"'],
  ],
);
