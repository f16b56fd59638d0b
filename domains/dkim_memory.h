// What libopendkim takes for one signature, and that all of it is given back and wiped.
//
// The library (2.11.0 beta 2) leaves behind of each Ed25519 signature its private key and the buffer of its result: dkim_free()
// looks after RSA only. Its memory functions are ours, so the buffer is known; the key is an EVP_PKEY, and OpenSSL tells of each
// that is made and freed through the callbacks of its "ex data" (CRYPTO_get_ex_new_index(3)).
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <vector>

namespace postern::domains {

// Of one signature; its address is the library's "memclosure". Must outlive dkim_free().
class DkimMemory {
 public:
  DkimMemory() = default;
  ~DkimMemory();  // frees what is left
  DkimMemory(const DkimMemory&) = delete;
  DkimMemory& operator=(const DkimMemory&) = delete;

  // For dkim_init(). `memory` may be null: the library's own blocks, which dkim_close() gives back.
  static void* allocate(void* memory, std::size_t octets);
  static void release(void* memory, void* block);

  // While it lives, the keys that this thread makes and frees are this signature's. Around every call of the library.
  class Scope {
   public:
    explicit Scope(DkimMemory& memory);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    DkimMemory* outer_;
  };

  // For the callbacks of OpenSSL.
  static void key_made(EVP_PKEY* key);
  static void key_freed(EVP_PKEY* key);

 private:
  struct Block;
  Block* first_ = nullptr;
  std::vector<EVP_PKEY*> keys_;
};

}  // namespace postern::domains
