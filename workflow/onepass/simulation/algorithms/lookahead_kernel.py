"""Weights of each sample's own lookahead, compiled: those of its gradient at ``w_j + ρ c_j z``, ``ρ = ρ₀/d``.

There its fields are ``λ_j + ρ c_j ‖z‖²``. The lines between the marks stand in the place of those of `walk_kernel`,
after the response of `composed_kernel`.
"""

from onepass.simulation.algorithms.composed_kernel import look, response
from onepass.simulation.algorithms.composed_step import Composition
from onepass.simulation.algorithms.walk_kernel import Rule
from onepass.simulation.chain.kernel import STUDENTS, derivative
from onepass.simulation.jit import inlined

# <weigh>


@inlined
def weigh(own: Composition, rule: Rule, loss, label, square, layer, fields):
    """Write c of a sample at its second look, beside its fields λ at the first; there is no use for a rule."""
    shift = own.lookahead_rate / own.dimension * square * look(loss, label, layer, fields)
    for j in range(STUDENTS):
        fields[j, 1] = fields[j, 0]
        fields[j, 0] += shift * layer[j] * derivative(fields[j, 0])
    found = response(loss, label, layer, fields)
    for j in range(STUDENTS):
        c = layer[j] * derivative(fields[j, 0]) * found
        fields[j, 0], fields[j, 1] = fields[j, 1], c


# </weigh>
