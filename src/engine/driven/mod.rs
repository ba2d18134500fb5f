//! What the two engines that drive another program have in common. That program runs its own loop, in its own sandbox,
//! on the user's plan; vk starts it, answers its questions, keeps the books and ends it.

pub mod programs;
