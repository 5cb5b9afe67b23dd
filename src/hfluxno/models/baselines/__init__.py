"""The networks that HFluxNO is compared with."""
