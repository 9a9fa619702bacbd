"""Experiments on accumulators: what other widths and orders would do to a network, and what a bit costs."""

from fxsim.analysis.assignment import Assignment, Assignments, assign_widths, check_labels, predicted
from fxsim.analysis.bit_cost import BitCost, BitCosts, bit_costs, register_width
from fxsim.analysis.exact import exact_run, mac_nodes
from fxsim.analysis.orders import LayerOrders, Order, OrderResult, compare_orders, order_plans

__all__ = [
    "Assignment",
    "Assignments",
    "BitCost",
    "BitCosts",
    "LayerOrders",
    "Order",
    "OrderResult",
    "assign_widths",
    "bit_costs",
    "check_labels",
    "compare_orders",
    "exact_run",
    "mac_nodes",
    "order_plans",
    "predicted",
    "register_width",
]
