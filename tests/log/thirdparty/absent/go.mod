// A module that Torchwood's other commands use and the ones built here do not; it is not fetched.
module sigsum.org/sigsum-go

go 1.24.0
