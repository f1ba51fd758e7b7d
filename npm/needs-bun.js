throw new Error("bantam-mqtt is a library for Bun; Node can start the program: npx bantam-mqtt serve")
