// When a listener's certificate ends, for who watches.
#pragma once

#include "core/clock.h"
#include "net/tls_context.h"

#include <optional>

namespace postern::net {

// notAfter of the certificate, not of its chain. nullopt: there is none, or its date cannot be read.
std::optional<Instant> certificate_expiry(const TlsServerContext& context);

}  // namespace postern::net
