//! Where the model's commands run and what its file tools can reach.
