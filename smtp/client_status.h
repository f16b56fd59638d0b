// What we say ourselves of a next hop whose TLS is not as required; the test lab's next hop says the same.
#pragma once

#include "core/status.h"

#include <string>
#include <string_view>

namespace postern::smtp {

inline constexpr EnhancedCode kNoTls{4, 7, 5};

inline Status missing_tls_status() { return {454, kNoTls, "TLS is required and the next hop does not offer STARTTLS"}; }
inline Status failed_tls_status(std::string_view reason) { return {454, kNoTls, "TLS failed: " + std::string(reason)}; }

}  // namespace postern::smtp
