# One way to declare a library or a program, so that warnings, sanitizers and the order of the
# layers are the same everywhere.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(NANOMSG REQUIRED IMPORTED_TARGET nanomsg)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)
# msgpack-c 6 renamed its package; Debian 12 still has the old name.
pkg_check_modules(MSGPACK IMPORTED_TARGET msgpack-c)
if(NOT MSGPACK_FOUND)
    pkg_check_modules(MSGPACK REQUIRED IMPORTED_TARGET msgpack)
endif()

add_library(kith_flags INTERFACE)
target_include_directories(kith_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/daemon)
target_compile_definitions(kith_flags INTERFACE _GNU_SOURCE KITH_VERSION="${PROJECT_VERSION}")
target_compile_options(kith_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef
    -Wvla -Wcast-qual -Wwrite-strings -Wno-missing-field-initializers -fno-strict-aliasing
    -fvisibility=hidden -fstack-protector-strong)
if(KITH_WERROR)
    target_compile_options(kith_flags INTERFACE -Werror)
endif()
if(KITH_SANITIZE)
    target_compile_options(kith_flags INTERFACE
        -fsanitize=${KITH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(kith_flags INTERFACE -fsanitize=${KITH_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    # Ubuntu's compilers define it themselves, with another value.
    target_compile_options(kith_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

# What is shipped is optimised over the whole of the daemon. Objects hold plain code as well, so that
# tests, which put functions of theirs in place of some, are linked as ever.
#
# kith_part_of_whole(LIBRARY)  it is optimised within each program that is whole
# kith_whole(PROGRAM)
set(KITH_WHOLE OFF)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT KITH_SANITIZE AND
        NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION AND NOT CMAKE_C_FLAGS MATCHES "-flto")
    set(KITH_WHOLE ON)
    set(is_whole "$<BOOL:$<TARGET_PROPERTY:KITH_WHOLE>>")
    target_link_options(kith_flags INTERFACE "$<IF:${is_whole},-flto=auto,-fno-lto>")
endif()
function(kith_part_of_whole library)
    if(KITH_WHOLE)
        target_compile_options(${library} PRIVATE -flto=auto -ffat-lto-objects)
    endif()
endfunction()
function(kith_whole program)
    set_target_properties(${program} PROPERTIES KITH_WHOLE ON)
endfunction()

# kith_layer(NAME [DEPENDS target...]): the static library of one layer, from all .c files here.
# It links only the layers below it; tests/tidy checks the includes.
function(kith_layer name)
    cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    add_library(kith_${name} STATIC ${sources})
    target_link_libraries(kith_${name} PUBLIC ${ARG_DEPENDS} PRIVATE kith_flags)
    kith_part_of_whole(kith_${name})
endfunction()
