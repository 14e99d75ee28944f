"""What the shape of a formula's tree tells: its factors, and whether it reads one direction or one product alone."""

import ast
from collections.abc import Callable, Iterable, Iterator

from onepass.formulas.evaluation import evaluate, scalar_functions
from onepass.formulas.language import addends, degree, has_inputs, is_coordinate

Powers = dict[int, float]  # slopes or powers by the position of the coordinate, from 0; none of them 0


def coordinates(node: ast.AST) -> set[int]:
    """Positions (from 0) of the coordinates that occur."""
    return {int(inner.id[1:]) - 1 for inner in ast.walk(node) if is_coordinate(inner)}


def connected(nodes: Iterable, used: Callable) -> list[tuple[set[int], list]]:
    """Parts in groups that share no coordinate, each with the coordinates of the group."""
    groups: list[tuple[set[int], list]] = []
    for node in nodes:
        mine, together = set(used(node)), [node]
        apart = [group for group in groups if not group[0] & mine]
        for other, before in (group for group in groups if group[0] & mine):
            mine, together = mine | other, before + together
        groups = [*apart, (mine, together)]
    return groups


def factors(node: ast.expr) -> list[ast.expr]:
    """Factors without common coordinates whose product the function is."""
    groups = connected(_factors(node), coordinates)
    constants = [factor for used, together in groups if not used for factor in together]
    groups = [together for used, together in groups if used]
    if len(groups) < 2:
        return [node]
    groups[0].extend(constants)
    return [_chain(ast.Mult(), group) for group in groups]


def _factors(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BinOp(op=ast.Mult()):
            return _factors(node.left) + _factors(node.right)
        case ast.BinOp(op=ast.Div()):
            return _factors(node.left) + [ast.BinOp(ast.Constant(1.0), ast.Div(), f) for f in _factors(node.right)]
        case ast.BinOp(op=ast.Pow()):
            return [ast.BinOp(factor, ast.Pow(), node.right) for factor in _factors(node.left)]
        case ast.UnaryOp(op=ast.USub()):
            return [*_factors(node.operand), ast.UnaryOp(ast.USub(), ast.Constant(1.0))]
        case ast.UnaryOp():
            return _factors(node.operand)
        case ast.Call(func=ast.Name(id="square" | "cube" | "abs" | "sign")):
            return [ast.Call(node.func, [factor], []) for factor in _factors(node.args[0])]
        case ast.Call(func=ast.Name(id="exp")):
            groups = connected(addends(node.args[0]), coordinates)
            return [ast.Call(node.func, [_chain(ast.Add(), group)], []) for _, group in groups]
    return [node]


def _chain(operator: ast.operator, nodes: list[ast.expr]) -> ast.expr:
    whole = nodes[0]
    for node in nodes[1:]:
        whole = ast.BinOp(whole, operator, node)
    return whole


def inner_addends(node: ast.expr) -> list[ast.expr]:
    """Parts of the sums inside of a function, and of its `max` and `min`, polynomials left out."""
    found = {}
    for inner in ast.walk(node):
        match inner:
            case ast.BinOp(op=ast.Add() | ast.Sub()) | ast.Call(func=ast.Name(id="sum" | "mean")):
                parts = addends(inner)
            case ast.Call(func=ast.Name(id="max" | "min"), args=parts):
                pass
            case _:
                parts = []
        found |= {ast.unparse(part): part for part in parts if degree(part) is None}
    return list(found.values())


def direction(nodes: Iterable[ast.expr]) -> Powers | None:
    """The slopes of the one linear form that all of these functions are functions of; None if there is no such form."""
    return _common(nodes, _slopes)


def product(nodes: Iterable[ast.expr]) -> tuple[int, ...] | None:
    """The coordinates of whose product alone all of these are functions; None if there is no such product."""
    found = _common(nodes, _powers)
    return tuple(sorted(found)) if found and len(set(found.values())) == 1 else None


def _common(nodes: Iterable[ast.expr], form: Callable[[ast.expr], Powers | None]) -> Powers | None:
    """What the largest subtrees of a form have in common, up to a factor."""
    common: Powers = {}
    for found in (found for node in nodes for found in _largest(node, form) if found):
        common = common or found
        ratios = [found.get(i, 0.0) / common[i] for i in common]
        if found.keys() != common.keys() or any(abs(ratio - ratios[0]) > 1e-14 * abs(ratios[0]) for ratio in ratios):
            return None
    return common or None


def _largest(node: ast.expr, form: Callable[[ast.expr], Powers | None]) -> Iterator[Powers]:
    found = form(node)
    if found is not None:
        yield found
        return
    for child in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
        yield from _largest(child, form)


def _slopes(node: ast.expr) -> Powers | None:
    """The slopes of a linear function, constants added; None for any other."""
    if not has_inputs(node):
        return {}
    match node:
        case ast.Name(id=name):
            return {int(name[1:] or 1) - 1: 1.0}
        case ast.UnaryOp(op=op):
            return _scaled(_slopes(node.operand), -1.0 if isinstance(op, ast.USub) else 1.0)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            right = _scaled(_slopes(node.right), -1.0 if isinstance(node.op, ast.Sub) else 1.0)
            return _added([_slopes(node.left), right])
        case ast.BinOp(op=ast.Mult()) if not has_inputs(node.left):
            return _scaled(_slopes(node.right), _number(node.left))
        case ast.BinOp(op=ast.Mult()) if not has_inputs(node.right):
            return _scaled(_slopes(node.left), _number(node.right))
        case ast.BinOp(op=ast.Div()) if not has_inputs(node.right):
            return _scaled(_slopes(node.left), 1.0 / _number(node.right))
        case ast.Call(func=ast.Name(id="sum" | "mean" as name)):
            return _scaled(_added(map(_slopes, node.args)), 1.0 / len(node.args) if name == "mean" else 1.0)
    return None


def _powers(node: ast.expr) -> Powers | None:
    """The powers of a product of coordinates with a constant; None for any other function."""
    if not has_inputs(node):
        return {}
    match node:
        case ast.Name(id=name):
            return {int(name[1:] or 1) - 1: 1.0}
        case ast.UnaryOp():
            return _powers(node.operand)
        case ast.BinOp(op=ast.Mult()):
            return _added([_powers(node.left), _powers(node.right)])
        case ast.BinOp(op=ast.Div()) if not has_inputs(node.right):
            return _powers(node.left)
        case ast.BinOp(op=ast.Pow()):
            return _scaled(_powers(node.left), float(node.right.value))
        case ast.Call(func=ast.Name(id="square" | "cube" as name)):
            return _scaled(_powers(node.args[0]), 2.0 if name == "square" else 3.0)
    return None


def _scaled(form: Powers | None, factor: float) -> Powers | None:
    return form if form is None else {i: value * factor for i, value in form.items() if value * factor}


def _added(forms: Iterable[Powers | None]) -> Powers | None:
    total: Powers = {}
    for form in forms:
        if form is None:
            return None
        for i, value in form.items():
            total[i] = total.get(i, 0.0) + value
    return {i: value for i, value in total.items() if value}


def _number(node: ast.expr) -> float:
    return float(evaluate(node, {}, scalar_functions()))


def scaled(node: ast.expr, factor: float) -> ast.expr:
    """The function of coordinates times a factor."""
    return _Scaled(factor).visit(node)


class _Scaled(ast.NodeTransformer):
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.BinOp(ast.Constant(self.factor), ast.Mult(), node) if is_coordinate(node) else node
