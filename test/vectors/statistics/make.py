# Golden values for test/domain/ci/regression, made with scipy from PyPI: python3 make.py > golden.json
import json, random
from scipy import stats
import scipy, numpy
random.seed(7)
cases=[]
def add(name,a,b,method):
    r=lambda alt: stats.mannwhitneyu(a,b,alternative=alt,method=method)
    g=r('greater')
    cases.append(dict(name=name,first=a,second=b,method='normal' if method=='asymptotic' else method,u=float(g.statistic),greater=float(g.pvalue),less=float(r('less').pvalue),twoSided=float(r('two-sided').pvalue)))
add('smallest',[1.0],[2.0],'exact'); add('smallest',[1.0],[2.0],'asymptotic')
for n,m in [(3,4),(5,5),(8,3),(10,10),(10,12),(20,20),(40,33)]:
    a=[round(random.gauss(100,2),4) for _ in range(n)]; b=[round(random.gauss(98,2),4) for _ in range(m)]
    add(f'{n} against {m}',a,b,'exact'); add(f'{n} against {m}',a,b,'asymptotic')
add('complete separation',[float(x) for x in range(100,110)],[float(x) for x in range(10)],'exact')
for n,m in [(10,10),(25,30),(60,60)]:
    a=[float(round(random.gauss(10,2))) for _ in range(n)]; b=[float(round(random.gauss(11,2))) for _ in range(m)]
    add(f'{n} against {m} with ties',a,b,'asymptotic')
tails=[[z,float(stats.norm.sf(z))] for z in [-8,-3.5,-1,-0.1,0,0.5,1,1.96,3,5,8,12,20]]
print(json.dumps(dict(scipy=scipy.__version__,mannWhitney=cases,normalUpperTail=tails),indent=1))
