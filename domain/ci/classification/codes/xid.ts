/**
 * Xid numbers of NVIDIA's kernel driver, complete up to 172 (and 185): NVIDIA's Xid catalog for Ampere and newer, `nverror.h`
 * of the open kernel modules, and the older catalog for numbers that newer GPUs no longer use.
 */

import type { CodeMeaning, CodeTable } from '../rule.ts';
import type { Faults } from './fault.ts';
import { fault } from './fault.ts';

const XID_FAULTS = {
  /** Hardware or firmware: outranks every line of a log. */
  broken: {
    ...fault('gpu-hardware', 'host', 'other', 0.97, 'decisive'),
    explanation:
      'The GPU is broken or unreachable: take it out of service, reset or replace it, and run elsewhere.',
  },
  /** Hardware, firmware or driver, but a bad program can bring the GPU here too. */
  sick: {
    ...fault('gpu-hardware', 'host', 'other', 0.75, 'consequence'),
    explanation: 'The GPU or its driver stumbled: run the canary; if that fails too, quarantine the host.',
  },
  program: {
    ...fault('gpu-code', 'code', 'same', 0.75),
    explanation:
      'A program did what the GPU forbids: run it under compute-sanitizer; suspect the GPU if the canary fails.',
  },
  engine: {
    ...fault('gpu-code', 'host', 'other', 0.55, 'consequence'),
    explanation: 'A copy or video engine stopped: look for other Xid messages, and run the canary.',
  },
  /** Said in the wake of another Xid. */
  secondary: {
    ...fault('gpu-hardware', 'host', 'other', 0.6, 'consequence'),
    explanation: 'The driver cleans up after an earlier fault: look for the Xid before this one.',
  },
  display: {
    ...fault('gpu-hardware', 'host', 'other', 0.55, 'consequence'),
    explanation: 'The display part of the GPU failed: look at the host, a check on another host tells more.',
  },
  noise: {
    ...fault('none', 'unknown', 'no', 0.8, 'benign'),
    explanation: 'This Xid is for information only.',
  },
} as const satisfies Faults;

/** Xid | fault | NVIDIA's description. */
const ROWS = `
1|noise|Unused
2|noise|Unused
3|noise|Unused
4|noise|Unused
5|noise|Unused
6|noise|Unused
7|noise|Unused
8|sick|GPU stopped processing
9|noise|Unused
10|noise|Unused
11|program|Invalid or corrupted push buffer stream
12|noise|Unused
13|program|Graphics Engine Exception
14|noise|Injected from user space
15|noise|Unused
16|display|Unused
17|noise|Unused
18|broken|Bus mastering disabled in PCI configuration space
19|display|Display Engine error
20|noise|Unused
21|noise|Unused
22|noise|Unused
23|noise|Unused
24|sick|GPU semaphore timeout
25|program|Invalid or illegal push buffer stream
26|sick|Framebuffer timeout
27|engine|Video processor exception
28|engine|Video processor exception
29|engine|Video processor exception
30|sick|GPU semaphore access error
31|program|GPU memory page fault
32|sick|Invalid or corrupted push buffer stream
33|sick|Internal micro-controller error
34|engine|Video processor exception
35|engine|Video processor exception
36|engine|Video processor exception
37|sick|Driver firmware error
38|sick|Driver firmware error
39|engine|Copy Engine Exception
40|engine|Copy Engine Exception
41|engine|Copy Engine Exception
42|engine|Video processor exception
43|program|GPU stopped processing
44|sick|Graphics Engine fault during context switch
45|secondary|Preemptive cleanup, due to previous errors
46|sick|GPU stopped processing
47|engine|Video processor exception
48|broken|Double Bit ECC Error
49|noise|Unused
50|noise|Unused
51|noise|Unused
52|noise|Unused
53|noise|Unused
54|broken|Auxiliary power is not connected to the GPU board
55|noise|Unused
56|display|Display Engine error
57|broken|Error programming video memory interface
58|broken|Unstable video memory interface detected
59|sick|Internal micro-controller error
60|engine|Video processor exception
61|sick|Internal micro-controller breakpoint
62|broken|Internal micro-controller halt
63|broken|GPU memory remapping event
64|broken|GPU memory remapping failure
65|engine|Video processor exception
66|sick|Illegal access by driver
67|sick|Illegal access by driver
68|engine|NVDEC0 Exception
69|program|Graphics Engine class error
70|engine|CE3: Unknown Error
71|engine|CE4: Unknown Error
72|engine|CE5: Unknown Error
73|engine|NVENC2 Error
74|broken|NVLINK Error
75|engine|CE6: Unknown Error
76|engine|CE7: Unknown Error
77|engine|CE8: Unknown Error
78|sick|vGPU Start Error
79|broken|GPU has fallen off the bus
80|sick|Corrupted data sent to GPU
81|display|VGA Subsystem Error
82|engine|NVJPG0 Error
83|engine|NVDEC1 Error
84|engine|NVDEC2 Error
85|engine|CE9: Unknown Error
86|engine|OFA Exception
87|noise|Telemetry report
88|engine|NVDEC3 Error
89|engine|NVDEC4 Error
90|broken|LTC error
91|noise|Reserved
92|broken|High single-bit ECC error rate
93|noise|Non-fatal violation of provisioned InfoROM wear limit
94|broken|Contained memory error
95|broken|Uncontained memory error
96|engine|NVDEC5 Error
97|engine|NVDEC6 Error
98|engine|NVDEC7 Error
99|engine|NVJPG1 Error
100|engine|NVJPG2 Error
101|engine|NVJPG3 Error
102|engine|NVJPG4 Error
103|engine|NVJPG5 Error
104|engine|NVJPG6 Error
105|engine|NVJPG7 Error
106|noise|SMBPBI Test Message
107|noise|SMBPBI Test Message Silent
108|program|NVLink remote translation error
109|sick|Context Switch Timeout Error
110|broken|Security Fault Error
111|display|Display Bundle Error Event
112|display|Display Supervisor Error
113|display|DP Link Training Error
114|display|Display Pipeline Underflow Error
115|display|Display Core Channel Error
116|display|Display Window Channel Error
117|display|Display Cursor Channel Error
118|display|Display Pixel Pipeline Error
119|broken|GSP RPC Timeout
120|broken|GSP Error
121|noise|C2C Error, corrected
122|broken|SPI PMU RPC Read Failure
123|broken|SPI PMU RPC Write Failure
124|broken|SPI PMU RPC Erase Failure
125|broken|Inforom FS Failure
126|engine|CE10: Unknown Error
127|engine|CE11: Unknown Error
128|engine|CE12: Unknown Error
129|engine|CE13: Unknown Error
130|engine|CE14: Unknown Error
131|engine|CE15: Unknown Error
132|engine|CE16: Unknown Error
133|engine|CE17: Unknown Error
134|engine|CE18: Unknown Error
135|engine|CE19: Unknown Error
136|broken|Link Training Failed
137|program|NVLink Privilege Error
138|engine|DLA error
139|engine|OFA1 Error
140|broken|ECC Unrecovered Error
141|noise|CUDA Fast Path Error
142|engine|NVENC3 Error
143|broken|GPU Initialization Error
144|broken|NVLINK: SAW Error
145|broken|NVLINK: RLW Error
146|broken|NVLINK: TLW Error
147|broken|NVLINK: TREX Error
148|broken|NVLINK: NVLPW_CTRL Error
149|broken|NVLINK: NETIR Error
150|broken|NVLINK: MSE Error
151|sick|Key rotation Error
152|engine|DLA SMMU Error
153|engine|DLA timeout Error
154|secondary|GPU Recovery Action Changed
155|sick|NVLINK: SW Defined Error
156|broken|Resource Retirement Event
157|broken|Resource Retirement Failure
158|broken|GPU Fatal Timeout
159|sick|CHI Non-Data Error
160|broken|Channel Retirement Event
161|broken|Channel Retirement Failure
162|noise|Power Smoothing re-engaged
163|noise|Power Smoothing disengaged
164|noise|Power Smoothing low lifetime
165|noise|Power Smoothing lifetime exhausted
166|noise|Traffic before encryption was configured
167|broken|PCIe fatal timeout
168|broken|Errors in write protected region
169|broken|Internal micro-controller halt
170|sick|Interrupt seen in CC mode
171|broken|Uncorrectable DRAM error, beside 48
172|broken|Uncorrectable SRAM error, beside 48
185|broken|Sparing event
`;

export const XIDS: readonly { number: string; fault: string; description: string }[] = ROWS.trim()
  .split('\n')
  .map((row) => {
    const [number = '', id = '', description = ''] = row.split('|');
    return { number, fault: id, description };
  });

/** Subclasses that say more than the number. */
const NAMES: Readonly<Record<string, string>> = {
  '31': 'xid-31-page-fault',
  '48': 'xid-48-double-bit-ecc',
  '74': 'xid-74-nvlink',
};

/** Meanings by number. */
export const XID_MEANINGS: CodeTable = new Map(
  XIDS.map(({ number, fault: id, description }) => [number, xidMeaning(number, id, description)]),
);

function xidMeaning(number: string, id: string, description: string): CodeMeaning {
  const found = (XID_FAULTS as Faults)[id];
  if (found === undefined) throw new Error(`Xid ${number} has no fault ${id}`);
  const isLink = Number(number) >= 144 && Number(number) <= 150;
  const name = NAMES[number] ?? (isLink ? `xid-${number}-nvlink-fatal` : `xid-${number}`);
  return {
    ...found,
    id: `xid-${number}`,
    subclass: found.class === 'none' ? 'benign-xid' : name,
    explanation: `Xid ${number} (${description}). ${found.explanation}`,
  };
}
