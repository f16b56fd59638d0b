#include "domains/dkim_memory.h"

#include "core/check.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace postern::domains {
namespace {

thread_local DkimMemory* current = nullptr;

// The last three parameters, and the pointer that could be kept with each key, are of no use here.
void on_key_made(void* key, void*, CRYPTO_EX_DATA*, int, long, void*) { DkimMemory::key_made(static_cast<EVP_PKEY*>(key)); }
void on_key_freed(void* key, void*, CRYPTO_EX_DATA*, int, long, void*) { DkimMemory::key_freed(static_cast<EVP_PKEY*>(key)); }

void watch_keys() {
  static const int index =
      CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, nullptr, &on_key_made, nullptr, &on_key_freed);
  POSTERN_CHECK(index >= 0);
}

}  // namespace

// Stands in front of each block; a ring of the signature's.
struct alignas(std::max_align_t) DkimMemory::Block {
  Block* previous = nullptr;
  Block* next = nullptr;
  std::size_t octets = 0;
};

void* DkimMemory::allocate(void* memory, std::size_t octets) {
  void* const room = std::malloc(sizeof(Block) + octets);
  if (room == nullptr) return nullptr;
  auto* block = new (room) Block;
  block->octets = octets;
  if (auto* owner = static_cast<DkimMemory*>(memory); owner != nullptr) {
    block->next = std::exchange(owner->first_, block);
    if (block->next != nullptr) block->next->previous = block;
  }
  return block + 1;
}

void DkimMemory::release(void* memory, void* room) {
  if (room == nullptr) return;
  Block* block = static_cast<Block*>(room) - 1;
  if (block->next != nullptr) block->next->previous = block->previous;
  if (block->previous != nullptr) {
    block->previous->next = block->next;
  } else if (auto* owner = static_cast<DkimMemory*>(memory); owner != nullptr) {
    owner->first_ = block->next;
  }
  OPENSSL_cleanse(room, block->octets);
  std::free(block);
}

DkimMemory::~DkimMemory() {
  while (first_ != nullptr) release(this, first_ + 1);
  // Wiped by OpenSSL.
  for (EVP_PKEY* key : std::exchange(keys_, {})) EVP_PKEY_free(key);
}

DkimMemory::Scope::Scope(DkimMemory& memory) : outer_(std::exchange(current, &memory)) { watch_keys(); }
DkimMemory::Scope::~Scope() { current = outer_; }

void DkimMemory::key_made(EVP_PKEY* key) {
  if (current != nullptr) current->keys_.push_back(key);
}

void DkimMemory::key_freed(EVP_PKEY* key) {
  if (current != nullptr) std::erase(current->keys_, key);
}

}  // namespace postern::domains
