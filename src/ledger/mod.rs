//! What every attempt cost and who paid: written before it is sent, settled after; and the caps that hold.
