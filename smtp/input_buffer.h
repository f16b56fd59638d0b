// The session's input: octets read and not yet consumed, in one block. What waits may be half of an AUTH line: where it is moved
// or given up, the old copy is overwritten. What was consumed stays until the caller wipes it or new input covers it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace postern::smtp {

class InputBuffer {
 public:
  // Room behind what waits: at least one octet unless `capacity` octets wait. Makes the block `capacity` octets large,
  // larger only if what waits needs it.
  std::span<char> space(std::size_t capacity);
  void commit(std::size_t count) { end_ += count; }

  // What waits; valid until space() or wipe().
  std::string_view view() const { return {block_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }

  // The consumed octets stay readable until space() or wipe().
  void consume(std::size_t count);
  // Overwrites a part of the block that view() once showed.
  void wipe(std::string_view part);
  // Forgets and overwrites everything.
  void clear();

  InputBuffer() = default;
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;
  ~InputBuffer() { clear(); }

 private:
  void resize(std::size_t capacity);
  void move_to_front();

  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace postern::smtp
