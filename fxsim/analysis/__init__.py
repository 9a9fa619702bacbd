"""Experiments on accumulators: what other widths and orders would do to a network."""

from fxsim.analysis.exact import exact_run, mac_nodes
from fxsim.analysis.orders import LayerOrders, Order, OrderResult, compare_orders, order_plans

__all__ = ["LayerOrders", "Order", "OrderResult", "compare_orders", "exact_run", "mac_nodes", "order_plans"]
