// What a row says, sealed before it leaves the node: the database, its log and its copies hold no secret, and nothing that was
// changed there or moved from one key to another is believed.
#pragma once

#include "core/random.h"
#include "core/result.h"
#include "core/secret.h"

#include <string>
#include <string_view>

namespace postern::cluster {

inline constexpr std::size_t kSealOctets = 33;  // that a sealed value is longer: form (1), salt (16), tag (16)

// Any thread. AES-256-GCM under a key of each value's own, HMAC-SHA-256 of its salt: no counter to keep, no number of values that
// would be too many for one key (NIST SP 800-38D §8.3).
class RowSeal {
 public:
  explicit RowSeal(const Secret& key) : key_(key) {}

  // `place`: what it is the value of.
  std::string seal(std::string_view place, std::string_view value, Random& random) const;
  // CorruptRecord: sealed with another key, of another place, or damaged.
  Result<std::string> unseal(std::string_view place, std::string_view sealed) const;

 private:
  Secret key_;
};

}  // namespace postern::cluster
