// Any octets as base64, and into it: what is decoded is written again as it stood, so nothing has two spellings.
#include "core/base64.h"

#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {

POSTERN_FUZZ(base64) {
  if (const auto octets = decode_base64(input)) POSTERN_CHECK(encode_base64(*octets) == input);
  const auto again = decode_base64(encode_base64(input));
  POSTERN_CHECK(again && *again == input);
}

}  // namespace postern::fuzz
