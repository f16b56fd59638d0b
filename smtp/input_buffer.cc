// See input_buffer.h.
#include "smtp/input_buffer.h"

#include "core/check.h"

#include <algorithm>
#include <cstring>

namespace postern::smtp {

namespace {

// A plain memset of memory that is then freed may be left out by the compiler; this may not.
void overwrite(char* octets, std::size_t count) {
  if (count == 0) return;
  std::memset(octets, 0, count);
  asm volatile("" : : "r"(octets) : "memory");
}

}  // namespace

std::span<char> InputBuffer::space(std::size_t capacity) {
  const std::size_t wanted = std::max(capacity, size());
  if (capacity_ != wanted) resize(wanted);
  if (begin_ != 0) move_to_front();
  return {block_.get() + end_, capacity_ - end_};
}

void InputBuffer::consume(std::size_t count) {
  POSTERN_CHECK(count <= size());
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

void InputBuffer::wipe(std::string_view part) {
  if (part.empty()) return;
  POSTERN_CHECK(part.data() >= block_.get() && part.data() + part.size() <= block_.get() + capacity_);
  overwrite(block_.get() + (part.data() - block_.get()), part.size());
}

void InputBuffer::clear() {
  overwrite(block_.get() + begin_, size());
  begin_ = end_ = 0;
}

void InputBuffer::resize(std::size_t capacity) {
  auto block = std::make_unique_for_overwrite<char[]>(capacity);
  const std::size_t count = size();
  if (count != 0) std::memcpy(block.get(), block_.get() + begin_, count);
  overwrite(block_.get() + begin_, count);
  block_ = std::move(block);
  capacity_ = capacity;
  begin_ = 0;
  end_ = count;
}

void InputBuffer::move_to_front() {
  const std::size_t count = size();
  std::memmove(block_.get(), block_.get() + begin_, count);
  const std::size_t stale = std::max(begin_, count);  // in front of it the new copy lies
  overwrite(block_.get() + stale, end_ - stale);
  begin_ = 0;
  end_ = count;
}

}  // namespace postern::smtp
