//! Models, prices and providers as dated data, and the arithmetic of a call's cost.
