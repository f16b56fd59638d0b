// SHA-256 over text that comes in pieces: what keys and submissions are recognised by.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace postern::auth {

using Sha256Digest = std::array<std::uint8_t, 32>;

// One thread at a time. About 200 octets; no allocation after the constructor.
class Sha256 {
 public:
  Sha256();

  void update(std::string_view octets);
  // The same, behind its length in eight octets: a sequence of fields has one digest only, wherever their borders are.
  void update_field(std::string_view octets);
  // Of all that was given; starts afresh.
  Sha256Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  void begin();

  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace postern::auth
