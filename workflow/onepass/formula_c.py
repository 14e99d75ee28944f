"""A formula as a C function, for compilers of GPU and host: the same parts as `formula_code.source` prints."""

from __future__ import annotations

from onepass.formula_code import parts, printer_like


def c_source(formula, name: str, *, derivative: bool = False) -> str:
    """C++ source of a scalar function of doubles.

    It uses functions of ``math.h``, `sign` and `heaviside`; its argument is a number (activation) or a pointer to the
    coordinates (target). ``DEVICE`` stands for what a function is declared with.
    """
    from sympy.printing.c import C99CodePrinter

    class Printer(printer_like(C99CodePrinter)):
        """Constants as numbers: the compilers do not share names for them."""

        def _print_NumberSymbol(self, expression):
            return repr(float(expression))

    symbols, shared, result = parts(formula, derivative)
    printer = Printer({"math_macros": {}})
    lines = [f"DEVICE double {name}(const double{' *' if formula.coordinates else ' '}x) {{"]
    if formula.coordinates:
        lines += [f"    const double {symbol} = x[{int(str(symbol)[1:]) - 1}];" for symbol in symbols]
    lines += [f"    const double {symbol} = {printer.doprint(value)};" for symbol, value in shared]
    lines += [f"    return {printer.doprint(result)};", "}"]
    return "\n".join(lines) + "\n"
