"""Time left, in words."""

import pytest
from onepass.pipeline.time_left import duration, told
from onepass.simulation import ticker


def test_progress_within_a_cell_comes_with_the_time_left():
    now, lines = [0.0], []
    with told(lines.append, clock=lambda: now[0]):
        for done in range(5):
            now[0] = 30.0 * done
            ticker.tick(done, 4)
    assert lines == ["25%, about 90 s left", "50%, about 60 s left", "75%, about 30 s left", "100%, about 0 s left"]
    ticker.tick(1, 4)
    assert len(lines) == 4, "nobody listens any more"


@pytest.mark.parametrize(("time", "words"), [(5, "5 s"), (600, "10 min"), (7200, "2 h"), (864000, "10 days")])
def test_durations(time, words):
    assert duration(time) == words
