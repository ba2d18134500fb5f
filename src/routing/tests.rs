//! Every branch of the decision, and the payer law.
