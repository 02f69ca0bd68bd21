"""Networks: trainers, what they minimise over flat parameters, and the penalties of layers."""
