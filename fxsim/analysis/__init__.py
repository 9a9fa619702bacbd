"""Experiments on networks: accumulators and their widths, fake quantization against integers, requantizers, sweeps."""

from fxsim.analysis.accumulator_report import AccumulatorReport, Bits, LayerAccumulators
from fxsim.analysis.assignment import Assignment, Assignments, assign_widths
from fxsim.analysis.bit_cost import BitCost, BitCosts, bit_costs
from fxsim.analysis.bounds import LayerBounds, a2q_widths, layer_bounds
from fxsim.analysis.comparison import (
    CAUSES,
    MEANINGS,
    UNEXPLAINED,
    Comparison,
    Differences,
    EndToEnd,
    Fidelity,
    FirstDifference,
    LayerComparison,
    Mechanism,
    PairedDifference,
    Runtime,
    compare_network,
    comparison_sections,
)
from fxsim.analysis.event import Event
from fxsim.analysis.exact import exact_run, mac_nodes
from fxsim.analysis.extract import before, isolate
from fxsim.analysis.forensics import Forensics, LayerForensics, forensics
from fxsim.analysis.labels import check_labels, predicted
from fxsim.analysis.laboratory import accumulators
from fxsim.analysis.observed import Observation, ObservedLayer, observe, zero_event_bound
from fxsim.analysis.orders import LayerOrders, Order, OrderResult, compare_orders, order_plans
from fxsim.analysis.ranges import CodeRange
from fxsim.analysis.reach import Reach, applications
from fxsim.analysis.replay import Trajectory, trajectory
from fxsim.analysis.requantizers import (
    OWN,
    LayerRequantizers,
    RequantizerAssignment,
    RequantizerRun,
    RequantizerStudy,
    study_requantizers,
)
from fxsim.analysis.search import NetworkSearch, search_network
from fxsim.analysis.sections import Part, sections
from fxsim.analysis.sweep import SweepResult, import_pyarrow, run_sweep
from fxsim.analysis.width_result import CurvePoint, LayerErrors, NetworkEffects, WidthSweep
from fxsim.analysis.width_sweep import width_sweep
from fxsim.analysis.witness import Witness, witness

__all__ = [
    "CAUSES",
    "MEANINGS",
    "OWN",
    "UNEXPLAINED",
    "AccumulatorReport",
    "Assignment",
    "Assignments",
    "BitCost",
    "BitCosts",
    "Bits",
    "CodeRange",
    "Comparison",
    "CurvePoint",
    "Differences",
    "EndToEnd",
    "Event",
    "Fidelity",
    "FirstDifference",
    "Forensics",
    "LayerAccumulators",
    "LayerBounds",
    "LayerComparison",
    "LayerErrors",
    "LayerForensics",
    "LayerOrders",
    "LayerRequantizers",
    "Mechanism",
    "NetworkEffects",
    "NetworkSearch",
    "Observation",
    "ObservedLayer",
    "Order",
    "OrderResult",
    "PairedDifference",
    "Part",
    "Reach",
    "RequantizerAssignment",
    "RequantizerRun",
    "RequantizerStudy",
    "Runtime",
    "SweepResult",
    "Trajectory",
    "WidthSweep",
    "Witness",
    "a2q_widths",
    "accumulators",
    "applications",
    "assign_widths",
    "before",
    "bit_costs",
    "check_labels",
    "compare_network",
    "compare_orders",
    "comparison_sections",
    "exact_run",
    "forensics",
    "import_pyarrow",
    "isolate",
    "layer_bounds",
    "mac_nodes",
    "observe",
    "order_plans",
    "predicted",
    "run_sweep",
    "search_network",
    "sections",
    "study_requantizers",
    "trajectory",
    "width_sweep",
    "witness",
    "zero_event_bound",
]
