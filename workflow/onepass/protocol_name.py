"""The name of a protocol, fit for the name of a file: ``update_loss``, then a piece for each unusual choice.

Pieces stand between underscores, in this order: ``label`` and its formula; ``normalised``, ``rows``, ``polar`` or
``clipped`` with its norm; ``heavyball`` or ``nesterov`` with β; ``transported``; ``decay``, ``layer`` (the second
layer's rate) and ``smoothed`` with their numbers; ``samplelookahead`` or ``batchlookahead`` with ρ₀; ``passes`` with
their number. ``psi`` with its formula stands for a loss of one's own, ``huber``
may have its δ. Formulas are percent-encoded, with ~ for the %.
"""

from urllib.parse import quote, unquote

from onepass.choices import Direction, Lookahead, Loss, Momentum, Schedule, Velocity

NUMBERS = {"decay": "weight_decay", "layer": "second_layer_rate", "smoothed": "smoothing"}
MOMENTA = {"heavyball": Momentum.HEAVY_BALL, "nesterov": Momentum.NESTEROV}
LOOKAHEADS = {f"{lookahead}lookahead": lookahead for lookahead in Lookahead if lookahead != Lookahead.NONE}


def spelled(protocol) -> str:
    """The name of a `onepass.protocol.Protocol`."""
    loss = str(protocol.loss) if isinstance(protocol.loss, Loss) else f"psi{_encoded(protocol.loss)}"
    if protocol.huber_delta != 1:
        loss += _short(protocol.huber_delta)
    pieces = [str(protocol.update), "adaptive" if protocol.schedule == Schedule.ADAPTIVE else loss]
    if protocol.label is not None:
        pieces.append(f"label{_encoded(protocol.label)}")
    if protocol.direction != Direction.GRADIENT:
        pieces.append(f"{protocol.direction}{'' if protocol.clip is None else _short(protocol.clip)}")
    pieces += [f"{word}{_short(protocol.beta)}" for word, momentum in MOMENTA.items() if protocol.momentum == momentum]
    if protocol.velocity == Velocity.TRANSPORTED:
        pieces.append("transported")
    pieces += [f"{word}{_short(getattr(protocol, key))}" for word, key in NUMBERS.items() if getattr(protocol, key)]
    for word, lookahead in LOOKAHEADS.items():
        pieces += [f"{word}{_short(protocol.lookahead_rate)}"] if protocol.lookahead == lookahead else []
    if protocol.passes > 1:
        pieces.append(f"passes{protocol.passes}")
    return "_".join(pieces)


def read(name: str) -> dict:
    """The arguments of the protocol of a name, or of one that has another name; ValueError for what is none at all."""
    update, loss, *pieces = name.split("_")
    found: dict = {"update": update, "loss": loss}
    if loss == "adaptive":
        found |= {"loss": Loss.CORRELATION, "schedule": loss}
    elif loss.startswith("psi"):
        found["loss"] = _decoded(loss.removeprefix("psi"))
    elif loss.startswith("huber") and loss != "huber":
        found |= {"loss": "huber", "huber_delta": float(loss.removeprefix("huber"))}
    for piece in pieces:
        word = "label" if piece.startswith("label") else piece.rstrip("+-.0123456789e")
        value = piece.removeprefix(word)
        if word == "label":
            found["label"] = _decoded(value)
        elif word in NUMBERS:
            found[NUMBERS[word]] = float(value)
        elif word in MOMENTA:
            found |= {"momentum": MOMENTA[word], "beta": float(value)}
        elif word in LOOKAHEADS:
            found |= {"lookahead": LOOKAHEADS[word], "lookahead_rate": float(value)}
        elif word == "passes":
            found["passes"] = int(value)
        elif piece == "transported":
            found["velocity"] = piece
        else:
            found |= {"direction": word} | ({"clip": float(value)} if value else {})
    return found


def _short(value: float) -> str:
    return repr(value).removesuffix(".0")


def _encoded(formula: str) -> str:
    return quote(formula.replace(" ", ""), safe="").replace("_", "~5F").replace("%", "~")


def _decoded(text: str) -> str:
    return unquote(text.replace("~", "%"))
