//! What an operation does to a wallet, proved three ways: by examples of every rule and refusal, by properties of
//! random histories, and against a naive model of a small network that counts single points.

mod amounts;
mod builders;
mod compare;
mod due;
mod earn;
mod histories;
mod hold;
mod model;
mod naive;
mod naive_asks;
mod naive_bill;
mod partitions;
mod properties;
mod redeem;
mod refund;
mod rejections;
mod world;
