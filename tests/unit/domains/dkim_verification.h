// Verifies DKIM signatures by libopendkim's other half, over the records that would be published.
#pragma once

#include "store/records.h"

#define _Bool bool  // the header is written for C
#include <dkim.h>
#undef _Bool

#include <cstring>
#include <map>
#include <string>

namespace postern::test {

// The keys "published" for the verification under way; libopendkim's look-up takes no context but the handle's.
inline std::map<std::string, std::string> published_keys;

inline DKIM_STAT give_key(DKIM*, DKIM_SIGINFO* signature, unsigned char* buffer, std::size_t size) {
  const std::string selector = reinterpret_cast<const char*>(dkim_sig_getselector(signature));
  const auto found = published_keys.find(selector);
  if (found == published_keys.end() || found->second.size() >= size) return DKIM_STAT_NOKEY;
  std::memcpy(buffer, found->second.c_str(), found->second.size() + 1);
  return DKIM_STAT_OK;
}

struct Verified {
  std::size_t good = 0;
  std::size_t bad = 0;
};

inline Verified verify(std::string message, const store::DomainRecord& domain) {
  published_keys.clear();
  for (const store::DkimKey& key : domain.dkim_keys) published_keys[key.selector] = key.public_record;
  DKIM_LIB* library = dkim_init(nullptr, nullptr);
  dkim_set_key_lookup(library, give_key);
  DKIM_STAT status = DKIM_STAT_OK;
  unsigned char id[] = "t";
  DKIM* handle = dkim_verify(library, id, nullptr, &status);
  auto* octets = reinterpret_cast<unsigned char*>(message.data());
  dkim_chunk(handle, octets, message.size());
  dkim_chunk(handle, nullptr, 0);
  dkim_eom(handle, nullptr);
  DKIM_SIGINFO** signatures = nullptr;
  int count = 0;
  dkim_getsiglist(handle, &signatures, &count);
  Verified verified;
  for (int i = 0; i < count; ++i) {
    dkim_sig_process(handle, signatures[i]);
    const bool is_good =
        (dkim_sig_getflags(signatures[i]) & DKIM_SIGFLAG_PASSED) != 0 && dkim_sig_getbh(signatures[i]) == DKIM_SIGBH_MATCH;
    ++(is_good ? verified.good : verified.bad);
  }
  dkim_free(handle);
  dkim_close(library);
  return verified;
}

}  // namespace postern::test
