//! Files that are made in the background: what stands in them, who gets them, how they are fetched, and that nothing is lost
//! or comes twice when their maker is killed.

mod asking;
mod bounds;
mod fetching;
mod making;
mod person;
mod scene;
mod standing;
mod trouble;
