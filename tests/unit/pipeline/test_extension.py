"""More replicas and steps of what is there: what comes of them is what a run from nothing gives, byte for byte."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.cells import outputs, simulated
from onepass.pipeline import freshness, row, store
from onepass.pipeline.grid import cells_of
from onepass.pipeline.progress import Row, summary
from onepass.simulation import simulate as module

FORMS = {
    "chain": {"batch_size": 64},
    "sgd": {"engine": "sgd", "dimension": 16},
    "gaussian": {"engine": "gaussian", "batch_size": 4000, "learning_rate": 4.3e-3},
    "leap": {"engine": "leap", "tolerance": 0.1, "batch_size": 64},
    "adaptive": {"protocol": "projected_adaptive", "students": 2},
    "adaptive, dense": {
        "protocol": "projected_adaptive",
        "students": 2,
        "engine": "sgd",
        "dimension": 16,
        "learning_rate": 1e-2,
    },
    "composed": {"protocol": "plain_absolute_heavyball0.5_layer1", "recovery": "cosine"},
    "composed, dense": {"protocol": "spherical_absolute", "engine": "sgd", "dimension": 16},
    "in arrays": {"protocol": "plain_adaptive", "recovery": "cosine", "batch_size": 64, "learning_rate": 1e-2},
    "seen again": {"protocol": "spherical_square_passes2"},
    "smoothed": {"protocol": "spherical_correlation_smoothed0.5"},
    "blocks": {"inputs": "spike9a0.5", "initial": 0.01, "learning_rate": 2e-3},
}
SINGLE = [form for form in FORMS if form != "leap"]  # whose steps do not know the budget


@pytest.fixture
def cell(small_grid):
    (first, *_) = cells_of("he3", small_grid)
    return replace(
        first, replicas=5, dimension=64, batch_size=16, learning_rate=3e-2, steps=30, noise=0.1, threshold=0.5
    )


@pytest.fixture
def run(monkeypatch):
    """Numbers of replicas of each simulation."""
    numbers, real = [], module.simulate
    monkeypatch.setattr(module, "simulate", lambda *a, **b: numbers.append(b["replicas"]) or real(*a, **b))
    return numbers


def result(cell, folder):
    (file,) = simulated([cell], folder)
    return Path(file).read_bytes()


@pytest.mark.parametrize("records", [0, 6])
@pytest.mark.parametrize("form", FORMS)
def test_more_replicas_and_fewer(form, records, cell, tmp_path, run):
    few = replace(cell, **FORMS[form], records=records)
    many = replace(few, replicas=9)
    whole = result(many, tmp_path / "at once")
    first = result(few, tmp_path / "first")
    run.clear()
    assert result(many, tmp_path / "first") == whole
    assert result(few, tmp_path / "at once") == first
    assert run == [[5, 6, 7, 8]], "of fewer replicas the first are taken"


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.2])
def test_a_second_layer_is_there_whether_it_moved_or_not(threshold, cell, tmp_path):
    """At low thresholds replicas end where they begin."""
    few = replace(cell, **FORMS["composed"], dimension=16, threshold=threshold, records=6, replicas=1)
    for replicas in range(2, 7):
        many = replace(few, replicas=replicas)
        assert result(many, tmp_path / "first") == result(many, tmp_path / f"at once {replicas}")


@pytest.mark.parametrize("form", SINGLE)
def test_more_steps_and_fewer(form, cell, tmp_path, run):
    short = replace(cell, **FORMS[form], replicas=9)
    long = replace(short, steps=120)
    wholes = [result(each, tmp_path / str(each.steps)) for each in (short, long)]
    run.clear()
    assert result(long, tmp_path / "30") == wholes[1]
    (missing,) = run
    assert 0 < len(missing) < 9, "those that had not recovered"
    assert result(short, tmp_path / "120") == wholes[0]


def test_a_search_looks_at_all_replicas(cell, tmp_path):
    search = replace(cell, engine="leap", tolerance=0.1, tuned=True, learning_rate=1e-6, steps=10**8, backend="numpy")
    result(search, tmp_path / "few")
    more = replace(search, replicas=9)
    assert result(more, tmp_path / "few") == result(more, tmp_path / "at once")


def test_what_is_not_of_today_or_of_other_parameters_is_simulated_anew(cell, tmp_path, run, monkeypatch, capsys):
    result(cell, tmp_path)
    many = replace(cell, replicas=9)
    for other in (replace(many, seed=5), replace(many, learning_rate=2e-2), replace(many, records=3)):
        result(other, tmp_path)
    simulated([many], tmp_path, anew=True)
    for path in (tmp_path / "cache").rglob("9_30.nc"):
        path.unlink()
    for path in (tmp_path / "cache").rglob("5_30.nc"):
        path.write_bytes(path.read_bytes()[:-100])
    result(many, tmp_path)
    monkeypatch.setattr(freshness, "code_version", lambda _: "edited")
    result(replace(cell, replicas=12), tmp_path)
    assert run == [5, 9, 9, 9, 9, 9, 12]
    assert "are there" not in capsys.readouterr().out


def test_a_gpu_has_other_numbers(cell, tmp_path):
    runs = store.read_cell(cell, simulated([cell], tmp_path)[0])
    assert replace(cell, replicas=9).held(runs) == [0, 1, 2, 3, 4]
    assert replace(cell, replicas=9).held(runs.assign_attrs(backend="cupy")) == []


def test_a_failed_extension_leaves_what_was_there(cell, tmp_path, monkeypatch):
    before = result(cell, tmp_path)

    def fail(*_, **__):
        raise FloatingPointError("it broke")

    with monkeypatch.context() as patch:
        patch.setattr(module, "simulate", fail)
        with pytest.raises(row.RowError, match="it broke"):
            result(replace(cell, replicas=9), tmp_path)
    assert (tmp_path / cell.path).read_bytes() == before
    assert "5 of 9 replicas are there" in said(replace(cell, replicas=9), tmp_path)


def said(cell, folder):
    """What a plan says of it."""
    each = Row.of([cell], outputs([cell], folder), "no.log", folder / "cache", False)
    return summary([each], [each.seconds()], 1, 1, ["data", "figures"], 0)


def test_a_damaged_cache_is_no_reason_to_let_go_of_a_result(cell, tmp_path):
    (file,) = simulated([cell], tmp_path)
    kept = row.own(cell, tmp_path / "cache")
    whole = Path(file).read_bytes()
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(whole[:100])
    row.keep([replace(cell, replicas=9)], [file], tmp_path / "cache")
    assert kept.read_bytes() == whole


def test_what_is_there_without_a_cache_is_kept_before_it_is_replaced(cell, tmp_path, run):
    """As an archive brings it."""
    many, files = replace(cell, replicas=9), outputs([cell], tmp_path)
    result(cell, tmp_path)
    shutil.rmtree(tmp_path / "cache")
    assert "5 of 9 replicas are there of 1 cells" in said(many, tmp_path)
    assert not (tmp_path / "cache").exists(), "a plan writes nothing"
    row.keep([many], files, tmp_path / "cache")
    Path(files[0]).unlink()  # as Snakemake does
    run.clear()
    result(many, tmp_path)
    assert run == [[5, 6, 7, 8]]


def test_a_plan_counts_the_rest_alone(cell, tmp_path):
    result(cell, tmp_path)
    many = replace(cell, replicas=10**5)
    whole = Row([many], outputs([many], tmp_path), "no.log", tmp_path / "cache")
    part = Row.of(*whole[:4], False)
    assert part.there == {many: 5}
    assert 0 < whole.seconds() - part.seconds() < whole.seconds() / 1e4
    assert Row.of(*whole[:4], True).there == {}
