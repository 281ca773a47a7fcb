"""The Chinese of three dozen terms: the lessons' source article is Chinese, and so is much that is written on it."""

from html import escape

from ..figures.plots import display_still

TITLE = "DDIM扩散模型的加速采样(去噪)算法"  # the article's
WHY = (
    "The article that these lessons grew from is Chinese. Who reads it, or other Chinese texts, finds their terms "
    "here; each stands once in the lessons, where it is introduced."
)
TERMS = (  # English, Chinese, the lesson that introduces it
    ("forward process", "前向过程", "00"),
    ("adding noise", "加噪", "00"),
    ("sampling", "采样", "00"),
    ("denoising", "去噪", "00"),
    ("deterministic", "确定性", "00"),
    ("noise floor", "噪声底", "00"),
    ("Markov", "马尔可夫", "01"),
    ("marginal", "边缘分布", "01"),
    ("posterior", "后验", "01"),
    ("schedule", "噪声调度", "01"),
    ("signal-to-noise ratio", "信噪比", "01"),
    ("KL divergence", "KL 散度", "01"),
    ("likelihood", "似然", "02"),
    ("score", "得分", "02"),
    ("substitute", "代入", "02"),
    ("joint law", "联合分布", "02"),
    ("factorization", "分解", "03"),
    ("complement", "补集", "03"),
    ("skip", "跳步", "03"),
    ("Bayes' rule", "贝叶斯公式", "04"),
    ("undetermined coefficients", "待定系数法", "04"),
    ("non-Markovian", "非马尔可夫", "04"),
    ("variational lower bound", "变分下界", "05"),
    ("loss", "损失函数", "05"),
    ("time embedding", "时间嵌入", "06"),
    ("moving average", "指数滑动平均", "06"),
    ("consistency", "一致性", "09"),
    ("ordinary differential equation", "常微分方程", "09"),
    ("latent", "潜变量", "09"),
    ("spherical interpolation", "球面插值", "09"),
    ("inversion", "反演", "09"),
    ("optimal transport", "最优传输", "09"),
    ("object detection", "目标检测", "10"),
    ("average precision", "平均精度", "10"),
    ("intersection over union", "交并比", "10"),
    ("non-maximum suppression", "非极大值抑制", "10"),
)


def glossary():
    """Display the table of terms."""
    cells = "".join(f"<tr><td>{escape(english)}</td><td>{zh}</td><td>{n}</td></tr>" for english, zh, n in TERMS)
    table = f"<table><tr><th>English</th><th>中文</th><th>lesson</th></tr>{cells}</table>"
    display_still({"text/html": table, "text/plain": f"[table] {len(TERMS)} terms in English and Chinese"}, WHY)


def markdown():
    """Return the table for a Markdown page: README has it, and a test compares."""
    rows = "\n".join(f"| {english} | {zh} | {n} |" for english, zh, n in TERMS)
    return f"| English | 中文 | lesson |\n|---|---|---|\n{rows}"
