//! The load client: arrivals, server-sent events, one record a request.
