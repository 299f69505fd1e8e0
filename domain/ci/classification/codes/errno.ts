/** `errno` of Linux by number, name and message, and what each means when it ends a build or a test. */

import type { CodeTable } from '../rule.ts';
import type { Faults } from './fault.ts';
import { fault, meaningOf } from './fault.ts';

const ERRNO_FAULTS = {
  'disk-full': {
    ...fault('infra', 'host', 'other', 0.97, 'decisive'),
    explanation:
      'The disk, its inodes or a quota ran out: free space on the builder, and try another one meanwhile.',
  },
  'out-of-memory': {
    ...fault('infra', 'host', 'bigger', 0.7, 'consequence'),
    subclass: 'oom-kill',
    explanation: 'Memory could not be allocated: use a host with more memory, or fewer parallel jobs.',
  },
  'too-many-open-files': {
    ...fault('infra', 'host', 'fix', 0.8, 'consequence'),
    explanation: 'Too many files are open: raise the limit on this host, or look for a leak in the test.',
  },
  'input-output-error': {
    ...fault('infra', 'host', 'other', 0.75, 'consequence'),
    explanation: "A device failed to read or write: check the host's disks, and try another host.",
  },
  'read-only-file-system': {
    ...fault('build-sandbox', 'code', 'no', 0.7, 'consequence'),
    explanation:
      'The build wrote where it must not: redirect the path into the build directory or the output.',
  },
  'network-unreachable': {
    ...fault('fetch-failure', 'infrastructure', 'same', 0.6, 'consequence'),
    subclass: 'network-transient',
    explanation: 'A connection failed: in a fetch try again, in a build phase remove the use of the network.',
  },
  'text-file-busy': {
    ...fault('infra', 'host', 'same', 0.7, 'consequence'),
    explanation: 'A program was started while still being written: a race of the build, try once more.',
  },
  'name-too-long': {
    ...fault('build-output', 'code', 'no', 0.7, 'consequence'),
    explanation: 'A file name is too long for the file system: shorten it, or the build directory.',
  },
  'file-too-large': {
    ...fault('infra', 'host', 'fix', 0.7, 'consequence'),
    explanation: 'A file grew beyond the limit: raise the file size limit of this host.',
  },
  'wrong-binary-format': {
    ...fault('build-configure', 'code', 'no', 0.7, 'consequence'),
    explanation: 'A program of another system was started: check cross compilation and the fetched binary.',
  },
  'no-fault-by-itself': {
    ...fault('insufficient-evidence', 'unknown', 'no', 0.3, 'generic'),
    explanation: 'The code alone says nothing of the cause.',
  },
} as const satisfies Faults;

/** `errno(3)` of Linux x86-64 with the messages of glibc: number | name | fault | message. */
const ROWS = `
1|EPERM|no-fault-by-itself|Operation not permitted
2|ENOENT|no-fault-by-itself|No such file or directory
3|ESRCH|no-fault-by-itself|No such process
4|EINTR|no-fault-by-itself|Interrupted system call
5|EIO|input-output-error|Input/output error
6|ENXIO|no-fault-by-itself|No such device or address
7|E2BIG|no-fault-by-itself|Argument list too long
8|ENOEXEC|wrong-binary-format|Exec format error
9|EBADF|no-fault-by-itself|Bad file descriptor
10|ECHILD|no-fault-by-itself|No child processes
11|EAGAIN|no-fault-by-itself|Resource temporarily unavailable
12|ENOMEM|out-of-memory|Cannot allocate memory
13|EACCES|no-fault-by-itself|Permission denied
14|EFAULT|no-fault-by-itself|Bad address
15|ENOTBLK|no-fault-by-itself|Block device required
16|EBUSY|no-fault-by-itself|Device or resource busy
17|EEXIST|no-fault-by-itself|File exists
18|EXDEV|no-fault-by-itself|Invalid cross-device link
19|ENODEV|no-fault-by-itself|No such device
20|ENOTDIR|no-fault-by-itself|Not a directory
21|EISDIR|no-fault-by-itself|Is a directory
22|EINVAL|no-fault-by-itself|Invalid argument
23|ENFILE|too-many-open-files|Too many open files in system
24|EMFILE|too-many-open-files|Too many open files
25|ENOTTY|no-fault-by-itself|Inappropriate ioctl for device
26|ETXTBSY|text-file-busy|Text file busy
27|EFBIG|file-too-large|File too large
28|ENOSPC|disk-full|No space left on device
29|ESPIPE|no-fault-by-itself|Illegal seek
30|EROFS|read-only-file-system|Read-only file system
31|EMLINK|no-fault-by-itself|Too many links
32|EPIPE|no-fault-by-itself|Broken pipe
33|EDOM|no-fault-by-itself|Numerical argument out of domain
34|ERANGE|no-fault-by-itself|Numerical result out of range
35|EDEADLK|no-fault-by-itself|Resource deadlock avoided
36|ENAMETOOLONG|name-too-long|File name too long
37|ENOLCK|no-fault-by-itself|No locks available
38|ENOSYS|no-fault-by-itself|Function not implemented
39|ENOTEMPTY|no-fault-by-itself|Directory not empty
40|ELOOP|no-fault-by-itself|Too many levels of symbolic links
42|ENOMSG|no-fault-by-itself|No message of desired type
43|EIDRM|no-fault-by-itself|Identifier removed
44|ECHRNG|no-fault-by-itself|Channel number out of range
45|EL2NSYNC|no-fault-by-itself|Level 2 not synchronized
46|EL3HLT|no-fault-by-itself|Level 3 halted
47|EL3RST|no-fault-by-itself|Level 3 reset
48|ELNRNG|no-fault-by-itself|Link number out of range
49|EUNATCH|no-fault-by-itself|Protocol driver not attached
50|ENOCSI|no-fault-by-itself|No CSI structure available
51|EL2HLT|no-fault-by-itself|Level 2 halted
52|EBADE|input-output-error|Invalid exchange
53|EBADR|no-fault-by-itself|Invalid request descriptor
54|EXFULL|no-fault-by-itself|Exchange full
55|ENOANO|no-fault-by-itself|No anode
56|EBADRQC|no-fault-by-itself|Invalid request code
57|EBADSLT|no-fault-by-itself|Invalid slot
59|EBFONT|no-fault-by-itself|Bad font file format
60|ENOSTR|no-fault-by-itself|Device not a stream
61|ENODATA|no-fault-by-itself|No data available
62|ETIME|no-fault-by-itself|Timer expired
63|ENOSR|no-fault-by-itself|Out of streams resources
64|ENONET|network-unreachable|Machine is not on the network
65|ENOPKG|no-fault-by-itself|Package not installed
66|EREMOTE|no-fault-by-itself|Object is remote
67|ENOLINK|no-fault-by-itself|Link has been severed
68|EADV|no-fault-by-itself|Advertise error
69|ESRMNT|no-fault-by-itself|Srmount error
70|ECOMM|network-unreachable|Communication error on send
71|EPROTO|no-fault-by-itself|Protocol error
72|EMULTIHOP|no-fault-by-itself|Multihop attempted
73|EDOTDOT|no-fault-by-itself|RFS specific error
74|EBADMSG|no-fault-by-itself|Bad message
75|EOVERFLOW|no-fault-by-itself|Value too large for defined data type
76|ENOTUNIQ|no-fault-by-itself|Name not unique on network
77|EBADFD|no-fault-by-itself|File descriptor in bad state
78|EREMCHG|network-unreachable|Remote address changed
79|ELIBACC|wrong-binary-format|Can not access a needed shared library
80|ELIBBAD|wrong-binary-format|Accessing a corrupted shared library
81|ELIBSCN|wrong-binary-format|.lib section in a.out corrupted
82|ELIBMAX|wrong-binary-format|Attempting to link in too many shared libraries
83|ELIBEXEC|no-fault-by-itself|Cannot exec a shared library directly
84|EILSEQ|no-fault-by-itself|Invalid or incomplete multibyte or wide character
85|ERESTART|no-fault-by-itself|Interrupted system call should be restarted
86|ESTRPIPE|no-fault-by-itself|Streams pipe error
87|EUSERS|no-fault-by-itself|Too many users
88|ENOTSOCK|no-fault-by-itself|Socket operation on non-socket
89|EDESTADDRREQ|no-fault-by-itself|Destination address required
90|EMSGSIZE|no-fault-by-itself|Message too long
91|EPROTOTYPE|no-fault-by-itself|Protocol wrong type for socket
92|ENOPROTOOPT|no-fault-by-itself|Protocol not available
93|EPROTONOSUPPORT|no-fault-by-itself|Protocol not supported
94|ESOCKTNOSUPPORT|no-fault-by-itself|Socket type not supported
95|EOPNOTSUPP|no-fault-by-itself|Operation not supported
96|EPFNOSUPPORT|no-fault-by-itself|Protocol family not supported
97|EAFNOSUPPORT|no-fault-by-itself|Address family not supported by protocol
98|EADDRINUSE|no-fault-by-itself|Address already in use
99|EADDRNOTAVAIL|no-fault-by-itself|Cannot assign requested address
100|ENETDOWN|network-unreachable|Network is down
101|ENETUNREACH|network-unreachable|Network is unreachable
102|ENETRESET|network-unreachable|Network dropped connection on reset
103|ECONNABORTED|network-unreachable|Software caused connection abort
104|ECONNRESET|network-unreachable|Connection reset by peer
105|ENOBUFS|no-fault-by-itself|No buffer space available
106|EISCONN|no-fault-by-itself|Transport endpoint is already connected
107|ENOTCONN|no-fault-by-itself|Transport endpoint is not connected
108|ESHUTDOWN|no-fault-by-itself|Cannot send after transport endpoint shutdown
109|ETOOMANYREFS|no-fault-by-itself|Too many references: cannot splice
110|ETIMEDOUT|network-unreachable|Connection timed out
111|ECONNREFUSED|network-unreachable|Connection refused
112|EHOSTDOWN|network-unreachable|Host is down
113|EHOSTUNREACH|network-unreachable|No route to host
114|EALREADY|no-fault-by-itself|Operation already in progress
115|EINPROGRESS|no-fault-by-itself|Operation now in progress
116|ESTALE|input-output-error|Stale file handle
117|EUCLEAN|input-output-error|Structure needs cleaning
118|ENOTNAM|no-fault-by-itself|Not a XENIX named type file
119|ENAVAIL|no-fault-by-itself|No XENIX semaphores available
120|EISNAM|no-fault-by-itself|Is a named type file
121|EREMOTEIO|input-output-error|Remote I/O error
122|EDQUOT|disk-full|Disk quota exceeded
123|ENOMEDIUM|no-fault-by-itself|No medium found
124|EMEDIUMTYPE|no-fault-by-itself|Wrong medium type
125|ECANCELED|no-fault-by-itself|Operation canceled
126|ENOKEY|no-fault-by-itself|Required key not available
127|EKEYEXPIRED|no-fault-by-itself|Key has expired
128|EKEYREVOKED|no-fault-by-itself|Key has been revoked
129|EKEYREJECTED|no-fault-by-itself|Key was rejected by service
130|EOWNERDEAD|no-fault-by-itself|Owner died
131|ENOTRECOVERABLE|no-fault-by-itself|State not recoverable
132|ERFKILL|no-fault-by-itself|Operation not possible due to RF-kill
133|EHWPOISON|input-output-error|Memory page has hardware error
`;

export const ERRNOS: readonly { number: string; name: string; fault: string; message: string }[] = ROWS.trim()
  .split('\n')
  .map((row) => {
    const [number = '', name = '', id = '', message = ''] = row.split('|');
    return { number, name, fault: id, message };
  });

/** Meanings by number and by name, for codes that mean something by themselves. */
export const ERRNO_MEANINGS: CodeTable = new Map(
  ERRNOS.filter(({ fault: id }) => id !== 'no-fault-by-itself').flatMap(({ number, name, fault: id }) => {
    const meaning = meaningOf(ERRNO_FAULTS, id);
    return [[number, meaning] as const, [name, meaning] as const];
  }),
);
