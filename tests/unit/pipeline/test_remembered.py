"""What is found out about formulas is kept, by question and code."""

import pytest
from onepass import files
from onepass.pipeline import feasible, remembered
from onepass.sources import closure


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A function of slow answers, as a new process has it, and the questions that it had to think about."""
    monkeypatch.setenv("ONEPASS_CACHE", str(tmp_path / "cache"))
    questions = []

    def new_process(code="1"):
        monkeypatch.setattr(remembered, "code_version", lambda module: f"{module} {code}")

        @remembered.remembered
        def answer(*question):
            questions.append(question)
            if "wrong" in question:
                raise ValueError("wrong")
            return f"about {question}"

        return answer

    return new_process, questions


def test_an_answer_is_found_once(asked):
    new_process, questions = asked
    first, again = new_process(), new_process()
    assert first("x1", 1, None, (1.0, 2.0)) == first("x1", 1, None, (1.0, 2.0)) == again("x1", 1, None, (1.0, 2.0))
    assert again("x1", 2, None, None) == "about ('x1', 2, None, None)"
    assert questions == [("x1", 1, None, (1.0, 2.0)), ("x1", 2, None, None)]


def test_other_code_asks_anew(asked):
    new_process, questions = asked
    new_process("1")("x1")
    new_process("2")("x1")
    assert len(questions) == 2


@pytest.mark.parametrize(
    ("answers", "asked_too"),
    [
        (feasible.leap_index, "onepass.gaussian.hermite"),
        (feasible.refusal_of_gaussian, "onepass.simulation.chain.batch_law"),
    ],
)
def test_the_code_behind_an_answer_is_all_that_its_module_imports(answers, asked_too):
    assert {answers.__module__, asked_too} < set(closure(answers.__module__))


def test_errors_and_damaged_files_are_not_taken_for_answers(asked, tmp_path):
    new_process, questions = asked
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            new_process()("wrong")
    new_process()("x1")
    (file,) = (tmp_path / "cache").glob("answer_*.json")
    file.write_text("about (")
    assert new_process()("x1") == "about ('x1',)"
    assert len(questions) == 4
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".json"], "nothing half written is left"


def test_where_nothing_can_be_kept_the_answer_is_found_all_the_same(asked, tmp_path, monkeypatch):
    new_process, questions = asked

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    assert new_process()("x1") == new_process()("x1") == "about ('x1',)"
    assert list((tmp_path / "cache").iterdir()) == []
    monkeypatch.setattr(remembered, "cache_folder", full)
    assert new_process()("x1") == "about ('x1',)"
    assert len(questions) == 3
