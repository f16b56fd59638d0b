// Canonicalization (RFC 6376 §3.4): the form in which header fields and a body are signed. Pure.
#pragma once

#include "mime/header_scan.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_md_ctx_st;

namespace postern::provenance {

enum class Canonical { Simple, Relaxed };

// The field at that place of HeaderScan::fields() as it stands, with its CR LF.
std::string raw_field(const mime::HeaderScan& header, std::size_t index);

// `field` as it is hashed, with its CR LF. `raw`: name, colon and value, with or without the last CR LF.
std::string canonical_field(std::string_view raw, Canonical form);

// The fields that `names` choose, as they are hashed: of each name the last one that was not chosen yet (RFC 6376 §5.4.2); one that
// is not there is nothing.
std::string canonical_fields(const mime::HeaderScan& header, const std::vector<std::string>& names, Canonical form);

// SHA-256 of a body that comes in any pieces.
class BodyHash {
 public:
  explicit BodyHash(Canonical form);
  ~BodyHash();
  BodyHash(BodyHash&&) noexcept;
  BodyHash& operator=(BodyHash&&) = delete;

  void append(std::string_view body);
  // Once: the hash, 32 octets.
  std::string finish();
  // Of the canonical body; after finish().
  std::uint64_t octets() const { return octets_; }

 private:
  void put(char c);
  void put_waiting();
  void flush();

  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  const Canonical form_;
  std::unique_ptr<evp_md_ctx_st, Free> context_;
  std::string buffer_;
  std::uint64_t octets_ = 0;
  std::uint64_t newlines_ = 0;  // at the end so far: they count only if something follows
  bool has_space_ = false;      // relaxed: blanks that count only if something follows
  bool has_cr_ = false;
};

std::string sha256(std::string_view octets);

}  // namespace postern::provenance
