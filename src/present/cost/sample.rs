//! Made-up reports for the tests of this folder.
