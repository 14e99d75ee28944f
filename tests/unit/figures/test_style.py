"""Figures are saved byte for byte alike, whatever Matplotlib the user has set up."""

import os
import subprocess
import sys

import pytest
from helpers.experiments import experiment
from onepass.figures import recovery_scaling, sample_complexity, style, time_exponents
from onepass.protocol import ALL_PROTOCOLS

DRAW = """if True:
    import hashlib, sys
    from onepass.pipeline.script import own_matplotlib
    own_matplotlib()
    from onepass.figures import style
    with style.context():
        figure = style.new_figure(2, 2)
        ax = figure.subplots()
        ax.plot([1, 1000], [0, 1], label="a line")
        ax.set_title(style.formula("He3(x1)"))
        ax.legend()
    style.save(figure, sys.argv[1:])
    print(*(hashlib.sha256(open(path, "rb").read()).hexdigest() for path in sys.argv[1:]))"""
SETTINGS = """
text.usetex: True
font.size: 30
font.family: serif
savefig.bbox: tight
savefig.dpi: 33
savefig.transparent: True
axes.facecolor: red
axes.prop_cycle: cycler('color', ['r'])
axes.formatter.use_locale: True
lines.linestyle: --
legend.loc: upper left
path.sketch: 1, 100, 2
pdf.compression: 0
figure.constrained_layout.h_pad: 0.5
nonsense: 3
"""


def drawn(folder, **environment):
    """Hashes of a figure as PDF and PNG, drawn by a process that works in a folder."""
    command = [sys.executable, "-c", DRAW, str(folder / "figure.pdf"), str(folder / "figure.png")]
    done = subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("plain"))


def configured(folder, settings, **environment):
    """Matplotlib's settings in the working folder and in the user's own, and the variables of a user who has both."""
    (folder / "home").mkdir()
    for place in (folder, folder / "home"):
        (place / "matplotlibrc").write_bytes(settings)
    return {"MPLCONFIGDIR": str(folder / "home"), **environment}


def test_settings_of_the_user_change_nothing(plain, tmp_path):
    assert drawn(tmp_path, **configured(tmp_path, SETTINGS.encode())) == plain


@pytest.mark.parametrize(
    ("settings", "backend"),
    [(b"\xff\xfe", "module://matplotlib_inline.backend_inline"), (b"backend: module://missing", "qtagg")],
)
def test_a_broken_file_or_another_backend_stops_nothing(plain, settings, backend, tmp_path):
    assert drawn(tmp_path, **configured(tmp_path, settings, MPLBACKEND=backend)) == plain


def test_in_a_process_that_is_set_up_already_the_defaults_hold_too(plain, tmp_path):
    """As in a notebook, where nobody imports Matplotlib for the user."""
    code = DRAW.replace("own_matplotlib()\n", "import matplotlib; matplotlib.rcParams['font.size'] = 30\n", 1)
    command = [sys.executable, "-c", code, str(tmp_path / "figure.pdf"), str(tmp_path / "figure.png")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == plain


def test_formula():
    assert style.formula("He3(x1)") == r"$\mathrm{He}_{3}(x_{1})$"
    assert style.formula("x1**2") == "$x_{1}^{2}$"
    assert style.formula("tanh(x1*x2)") == r"$\mathrm{tanh}(x_{1}\,x_{2})$"
    assert style.formula("He2(x1) + 0.5*x12**3") == r"$\mathrm{He}_{2}(x_{1}) + 0.5\,x_{12}^{3}$"
    assert style.formula("10*(x1 + x2)**12") == r"$10\,(x_{1} + x_{2})^{12}$"
    assert style.formula("leaky_relu(x1)*log1p(x2 ** 2)") == (
        r"$\mathrm{leaky\_relu}(x_{1})\,\mathrm{log1p}(x_{2}^{2})$"
    )


def test_powers_of_d():
    assert style.power_of_d(1.0, 1.0) == "d"
    assert style.power_of_d(3.0, 1.0) == r"3\,d"
    assert style.power_of_d(1.0, 1.25) == r"d^{\,1.25}"
    assert style.power_of_d(2.5e-5, -0.5) == r"2.5\cdot 10^{-5}\,d^{\,-0.5}"
    assert style.power_of_d(1.0, 0.0) == "1"


def test_saves_the_same_bytes(tmp_path):
    datasets = [experiment(censored=1)]
    for run in ("a", "b"):
        style.save(time_exponents.draw(datasets), [tmp_path / run / "figure.pdf", tmp_path / run / "figure.png"])
    for suffix, start in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        first, second = ((tmp_path / run / f"figure.{suffix}").read_bytes() for run in ("a", "b"))
        assert first == second
        assert first.startswith(start)
    assert b"Type3" not in (tmp_path / "a" / "figure.pdf").read_bytes()
    assert len(list((tmp_path / "a").iterdir())) == 2


def test_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "figure.pdf"
    path.write_bytes(b"old")
    figure = style.new_figure(1)
    monkeypatch.setattr(figure, "savefig", lambda part, **_: (part.write_bytes(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        style.save(figure, [path])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_drawing_leaves_the_settings_alone():
    import matplotlib as mpl

    def settings():
        return {key: value for key, value in mpl.rcParams.items() if key != "backend"}  # resolved when first read

    before = settings()
    time_exponents.draw([experiment()])
    assert settings() == before


def test_every_protocol_has_a_look_its_own_in_a_figure():
    published = {protocol.name: style.look(protocol.name) for protocol in ALL_PROTOCOLS}
    assert len({look[1:] for look in published.values()}) == len(published)
    others = ["spherical_absolute_heavyball0.9", "plain_psiy~2Aexp~28min~28-y~2Af~2C2~29~29", "nonsense", "projected_"]
    found = style.looks([*others, *published])
    assert {name: found[name] for name in published} == published, "the published ones look the same everywhere"
    assert len({look[1:] for look in found.values()}) == len(found)
    few = style.looks(["projected_square", *others])
    assert len({look.colour for look in few.values()}) == len(few)
    assert len(style.looks(f"p{i}" for i in range(200))) == 200


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("spherical_absolute_heavyball0.9", "spherical, absolute loss, heavy ball 0.9"),
        ("plain_square_batchlookahead0.1_passes2", "plain, square loss, batch lookahead 0.1, 2 passes"),
        ("plain_huber0.5_labelsign~28y~29_clipped2", "plain, huber loss of δ 0.5, labels sign(y), clipped at 2"),
        ("projected_psitanh~28y-f~29_polar", "projected, ψ = tanh(y-f), polar"),
        ("spherical_correlation_rows_smoothed0.5", "spherical, correlation loss, rows normalised, smoothed 0.5"),
        (
            "projected_adaptive_heavyball0.5_transported_decay0.1_layer2",
            "projected, adaptive, heavy ball 0.5, transported, decay 0.1, second layer 2",
        ),
        ("of_tomorrow", "of tomorrow"),
    ],
)
def test_labels_are_read_from_names(name, label):
    found = style.look(name).label
    assert found.replace("\n", " ") == label
    assert max(map(len, found.split("\n"))) <= style.LINE


def test_protocols_that_the_theory_does_not_know_are_drawn_without_its_lines():
    data = experiment(protocols=["projected_square", "projected_correlation"])
    names = ["projected_square", "plain_square_layer1"]
    other = data.assign_coords(protocol=names).assign_attrs(replicas=12, experiment="mine")
    other["theta_theory"] = other.theta_theory.where(other.protocol == "projected_square")
    for module, lines in ((time_exponents, 1), (sample_complexity, 1), (recovery_scaling, 0)):
        figure = module.draw([other])
        axes = [ax for ax in figure.axes if "mu" in ax.get_xlabel()]
        theory = [line for ax in axes for line in ax.lines if len(line.get_xdata()) == 801]
        assert len(theory) == lines
        labels = [text.get_text().replace("\n", " ") for legend in figure.legends for text in legend.get_texts()]
        labels += [ax.get_title().replace("\n", " ") for ax in figure.axes]
        assert "plain, square loss, second layer 1" in labels
