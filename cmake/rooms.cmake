# One static library a room: include/p2pdist/<room>/*.hpp, src/internal/p2pdist/<room>/*.hpp and src/<room>/*.cpp, linking only what its arrows allow.

# What rooms share and embedders don't see. For the directories below, which inherit it, and in no target's interface.
include_directories(${PROJECT_SOURCE_DIR}/src/internal)

add_library(p2pdist_options INTERFACE)
target_include_directories(p2pdist_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_features(p2pdist_options INTERFACE cxx_std_20)
add_library(p2pdist_warnings INTERFACE)
target_compile_options(p2pdist_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
    $<$<BOOL:${P2PDIST_WARNINGS_AS_ERRORS}>:-Werror>)
if(CMAKE_UNITY_BUILD)
    # g++ takes every source of a unity build for a header, whose types may not have members of an unnamed namespace.
    target_compile_options(p2pdist_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
# Where GCC optimises, these are wrong about std::string, std::vector and std::optional (GCC bugs 105651, 107852 and 80635, for 12; later
# ones have others).
# Debug builds keep them, and the sanitizers look for the real thing.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    foreach(warning restrict array-bounds stringop-overflow stringop-overread maybe-uninitialized)
        target_compile_options(p2pdist_warnings INTERFACE $<$<NOT:$<CONFIG:Debug>>:-Wno-${warning}>)
    endforeach()
endif()

function(p2pdist_room name)
    cmake_parse_arguments(ROOM "" "" "USES;PRIVATE_LIBRARIES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp ${PROJECT_SOURCE_DIR}/src/${name}/*/*.cpp)
    list(TRANSFORM ROOM_USES PREPEND p2pdist_)
    if(NOT sources)  # headers only
        add_library(p2pdist_${name} INTERFACE)
        target_link_libraries(p2pdist_${name} INTERFACE p2pdist_options ${ROOM_USES})
        return()
    endif()
    add_library(p2pdist_${name} STATIC ${sources})
    target_include_directories(p2pdist_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src/${name})
    target_link_libraries(p2pdist_${name} PUBLIC p2pdist_options ${ROOM_USES}
        PRIVATE $<BUILD_INTERFACE:p2pdist_warnings> ${ROOM_PRIVATE_LIBRARIES})
endfunction()

# The room whose codec is generated from src/<room>/*.proto. Only its own sources see protobuf's headers and the generated ones;
# rooms above link protobuf's archive and nothing else of it.
function(p2pdist_protobuf_room name)
    find_package(Protobuf 3.21 REQUIRED)
    p2pdist_room(${name} ${ARGN})
    file(GLOB protos CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.proto)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated/${name})
    file(MAKE_DIRECTORY ${generated})
    # A target of its own, so that generated code is compiled without our warnings.
    add_library(p2pdist_${name}_proto OBJECT)
    protobuf_generate(TARGET p2pdist_${name}_proto LANGUAGE cpp PROTOS ${protos} APPEND_PATH
        PROTOC_OUT_DIR ${generated})
    target_include_directories(p2pdist_${name}_proto SYSTEM PRIVATE ${Protobuf_INCLUDE_DIRS} ${generated})
    target_compile_features(p2pdist_${name}_proto PRIVATE cxx_std_20)
    target_sources(p2pdist_${name} PRIVATE $<TARGET_OBJECTS:p2pdist_${name}_proto>)
    target_include_directories(p2pdist_${name} SYSTEM PRIVATE ${Protobuf_INCLUDE_DIRS} ${generated})
    add_dependencies(p2pdist_${name} p2pdist_${name}_proto)
    target_link_libraries(p2pdist_${name} PRIVATE $<LINK_ONLY:protobuf::libprotobuf-lite>)
endfunction()
